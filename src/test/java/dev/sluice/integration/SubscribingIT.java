package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

@ParameterizedClass
@MethodSource("dev.sluice.integration.PodVariant#wiresOfOwnPods")
class SubscribingIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    private final PodVariant variant;
    private final Pod pod;

    SubscribingIT(PodVariant variant) {
        this.variant = variant;
        this.pod = STAGE.pod(variant);
    }

    private Client client;

    @BeforeEach
    void connect() {
        // The previous client's subscriptions last as long as its connection.
        await().pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(5))
                .until(() -> pod.metric("sluice_users") == 0);
        client = Client.of(pod, "subscriber");
    }

    @AfterEach
    void close() {
        client.close();
    }

    @ParameterizedTest
    @CsvSource(quoteCharacter = '`', delimiter = '|', textBlock = """
                    {"action":"subscribe_upload","upload_id":"silent"} | {"action":"subscribed","channel":"upload:silent"}
                    {"action":"unsubscribe_upload","upload_id":"silent"} | {"action":"unsubscribed","channel":"upload:silent"}
                    {"action":"subscribe","channel":"upload:silent:too"} | {"action":"subscribed","channel":"upload:silent:too"}
                    {"action":"unsubscribe","channel":"upload:silent:too"} | {"action":"unsubscribed","channel":"upload:silent:too"}
                    {"action":"subscribe","channel":"upload:silent","id":"x"} | {"action":"subscribed","channel":"upload:silent","id":"x"}
                    {"action":"subscribe","channel":"upload:silent","id":1.50} | {"action":"subscribed","channel":"upload:silent","id":1.50}
                    """)
    void subscriptionIsAnswered(String message, String answer) {
        assertThat(client.send(message).next()).isEqualTo(answer);
    }

    @ParameterizedTest
    @CsvSource(quoteCharacter = '`', delimiter = '|', textBlock = """
                    {"action":"subscribe","channel":"user:subscriber"} | bad_channel | "channel":"user:subscriber"
                    {"action":"subscribe","channel":"user:other"} | bad_channel | "channel":"user:other"
                    {"action":"subscribe","channel":"other:1","id":7} | bad_channel | "id":7
                    {"action":"subscribe","channel":"sluice:canary"} | bad_channel | "channel":"sluice:canary"
                    {"action":"subscribe","channel":"upload"} | bad_channel | "channel":"upload"
                    {"action":"subscribe","channel":"upload:"} | bad_channel | "channel":"upload:"
                    {"action":"unsubscribe","channel":"other:1"} | bad_channel | "channel":"other:1"
                    {"action":"subscribe_upload","upload_id":""} | bad_channel | "channel":"upload:"
                    {"action":"subscribe_upload","upload_id":42} | bad_message | upload_id
                    {"action":"subscribe_upload"} | bad_message | upload_id
                    {"action":"subscribe"} | bad_message | channel
                    {"action":"dance","id":"x"} | unknown_action | "id":"x"
                    {"action":7} | bad_message | action
                    {} | bad_message | action
                    [] | bad_message | JSON object
                    nonsense | bad_message | JSON object
                    {"action":"subscribe" | bad_message | JSON object
                    """)
    void invalidMessageGetsAnErrorAndTheConnectionStaysOpen(String message, String code, String detail) {
        assertThat(client.send(message).next())
                .startsWith("{\"action\":\"error\",\"code\":\"" + code + "\",\"message\":\"")
                .contains(detail);
        client.subscribe("after");
    }

    @Test
    void binaryAndDeepMessagesGetAnError() {
        assertThat(client.send(new byte[] {1, 2, 3}).next()).contains("bad_message");
        assertThat(client.send("[".repeat(30_000)).next()).contains("bad_message");
        assertThat(client.send("{\"action\":\"subscribe_upload\",\"upload_id\":\"" + "x".repeat(257) + "\"}")
                        .next())
                .contains("bad_channel");
    }

    @Test
    void pingAndPongWithoutIdAreNotAnswered() {
        client.send("{\"action\":\"ping\"}").send("{\"action\":\"pong\",\"id\":1}");
        client.send("{\"action\":\"ping\",\"id\":null}");
        client.assertNothingMore();
    }

    @Test
    void pingWithIdIsAnsweredWithPongAndThatId() {
        for (String id : new String[] {"7", "\"seven\"", "1.50", "\"" + "x".repeat(1024) + "\""}) {
            client.send("{\"action\":\"ping\",\"id\":" + id + "}");
            assertThat(client.next()).isEqualTo("{\"action\":\"pong\",\"id\":" + id + "}");
        }
        for (String id : new String[] {"true", "{}", "[]", "\"" + "x".repeat(1025) + "\""}) {
            client.send("{\"action\":\"ping\",\"id\":" + id + "}");
            assertThat(client.next()).contains("bad_message");
        }
        client.assertNothingMore();
    }

    @Test
    void channelMustBeUnicode() {
        client.send("{\"action\":\"subscribe_upload\",\"upload_id\":\"\\ud800\"}");
        assertThat(client.next()).contains("bad_channel");
        client.send("{\"action\":\"subscribe_upload\",\"upload_id\":\"z\",\"id\":1e99999999999}");
        assertThat(client.next()).contains("bad_message");
    }

    @Test
    void eachChannelOfAListIsAnswered() {
        String one = Stage.upload();
        String two = Stage.upload();
        client.send("{\"action\":\"subscribe\",\"channels\":[\"upload:%s\",\"user:1\",\"upload:%s\"],\"id\":9}"
                .formatted(one, two));
        assertThat(client.next()).isEqualTo("{\"action\":\"subscribed\",\"channel\":\"upload:" + one + "\",\"id\":9}");
        assertThat(client.next()).contains("bad_channel", "\"channel\":\"user:1\"", "\"id\":9");
        assertThat(client.next()).isEqualTo("{\"action\":\"subscribed\",\"channel\":\"upload:" + two + "\",\"id\":9}");
        client.send("{\"action\":\"unsubscribe\",\"channels\":[\"upload:" + two + "\"]}");
        assertThat(client.next()).isEqualTo("{\"action\":\"unsubscribed\",\"channel\":\"upload:" + two + "\"}");
        STAGE.redis().publish("upload:" + two, "not wanted");
        STAGE.redis().publish("upload:" + one, "wanted");
        assertThat(client.next()).isEqualTo("wanted");
    }

    @Test
    void subscriptionBelongsToTheUser() {
        try (Client tab = Client.of(pod, "subscriber");
                Client other = Client.of(pod, "other")) {
            String upload = Stage.upload();
            client.subscribe(upload);
            STAGE.redis().publish("upload:" + upload, "1");
            assertThat(client.next()).isEqualTo("1");
            assertThat(tab.next()).isEqualTo("1");
            other.assertNothingMore();
            tab.unsubscribe(upload);
            STAGE.redis().publish("upload:" + upload, "2");
            STAGE.redis().publish("user:subscriber", "3");
            assertThat(client.next()).isEqualTo("3");
        }
    }

    @Test
    void subscriptionEndsWithTheUsersLastConnection() {
        await("only the subscriber is here").until(() -> pod.metric("sluice_users") == 1);
        String upload = Stage.upload();
        try (Client one = Client.of(pod, "comes and goes")) {
            one.subscribe(upload);
            one.leave();
            one.closeCode();
        }
        await().until(() -> pod.metric("sluice_users") == 1);
        try (Client two = Client.of(pod, "comes and goes")) {
            STAGE.redis().publish("upload:" + upload, "not wanted any more");
            STAGE.redis().publish("user:comes and goes", "wanted");
            assertThat(two.next()).isEqualTo("wanted");
        }
    }

    @Test
    void subscriptionsAreBounded() {
        String refused = "sluice_refused_total{limit=\"subscriptions-per-user\"}";
        double before = pod.metric(refused);
        for (int i = 0; i < 256; i++) {
            client.subscribe("many-" + i);
        }
        assertThat(client.send("{\"action\":\"subscribe_upload\",\"upload_id\":\"one more\"}")
                        .next())
                .contains("too_many_subscriptions", "\"channel\":\"upload:one more\"");
        pod.awaitMetric(refused, before + 1);
        client.subscribe("many-0");
    }

    @Test
    void scopeConnectionAndMoreRoutesComeFromTheConfiguration() {
        Map<String, String> config = variant.with(Map.of(
                "sluice.subscriptions.scope", "connection",
                "sluice.routes.team.audience", "subscribers",
                "sluice.routes.team.access", "open",
                "sluice.routes.mail.audience", "user"));
        String upload = Stage.upload();
        try (Pod own = Pod.ready(STAGE.redis(), config);
                Client one = Client.of(own, "7");
                Client two = Client.of(own, "7")) {
            one.subscribe(upload);
            one.send("{\"action\":\"subscribe\",\"channel\":\"team:red\"}");
            assertThat(one.next()).isEqualTo("{\"action\":\"subscribed\",\"channel\":\"team:red\"}");
            STAGE.redis().publish("upload:" + upload, "only one");
            STAGE.redis().publish("team:red", "only one, too");
            STAGE.redis().publish("mail:7", "both");
            assertThat(one.next()).isEqualTo("only one");
            assertThat(one.next()).isEqualTo("only one, too");
            assertThat(one.next()).isEqualTo("both");
            assertThat(two.next()).isEqualTo("both");
        }
    }
}
