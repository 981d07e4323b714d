package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Histories;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import dev.sluice.harness.TcpProxy;
import dev.sluice.harness.Tokens;
import io.vertx.core.json.JsonObject;
import java.net.URI;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import org.jose4j.jwt.JwtClaims;
import org.jose4j.jwt.NumericDate;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Clients speak the JSON protocol of Centrifugo's SDKs. */
@Order(1)
@Tag("chaos")
class CentrifugeIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    private static final String PATH = "/connection/websocket";
    private static final Map<String, String> QUICK = Map.of("sluice.clock.interval", "200ms");

    /** The default of {@code sluice.limits.subscriptions-per-user}. */
    private static final int MAX_SUBSCRIPTIONS = 256;

    /** The number of publications before, during and after the absence. */
    private static final int PART = 100;

    @AutoClose
    private static Redis redis;

    /** A pod that takes the clients of others. */
    @AutoClose
    private static Pod two;

    /** A pod with short heartbeats. */
    @AutoClose
    private static Pod pinging;

    @BeforeAll
    static void start() {
        redis = Redis.start();
        two = Pod.ready(redis, QUICK);
        pinging = Pod.ready(STAGE.redis(), Map.of("sluice.heartbeat.interval", "2s"));
    }

    @Test
    void commandsOfOneFrameAreAnsweredInOrder() {
        String channel = "upload:" + Stage.upload();
        try (Raw raw = new Raw()) {
            raw.client.send(connect(Tokens.of("7")) + "\n" + subscribe(2, channel, "") + "\n{\"id\":3,\"ping\":{}}\n");
            JsonObject connected = raw.next().getJsonObject("connect");
            assertThat(connected.getString("client")).isNotEmpty();
            assertThat(connected.getInteger("ping")).isEqualTo(25);
            assertThat(connected.getBoolean("pong")).isTrue();
            assertThat(connected.getJsonObject("subs").fieldNames()).containsExactly("user:7");
            assertThat(raw.next().getJsonObject("subscribe").getBoolean("recoverable"))
                    .isTrue();
            assertThat(raw.next()).isEqualTo(new JsonObject("{\"id\":3,\"ping\":{}}"));
        }
    }

    @Test
    void answersToTheCommandsOfOneFrameAreOneMessage() {
        try (Raw raw = Raw.connected()) {
            raw.client.send("{\"id\":2,\"ping\":{}}\n{\"id\":3,\"ping\":{}}");
            assertThat(raw.client.next()).isEqualTo("{\"id\":2,\"ping\":{}}\n{\"id\":3,\"ping\":{}}");
        }
    }

    @Test
    void dataIsThePayloadIfThatIsJson() {
        String channel = "upload:" + Stage.upload();
        try (Raw raw = Raw.connected()) {
            double before = STAGE.pod().metric("sluice_centrifuge_binary_total");
            raw.client.send(subscribe(2, channel, ""));
            raw.next();
            STAGE.redis().publish(channel, "{\"a\":\n1}");
            STAGE.redis().publish(channel, new byte[] {(byte) 0xff});
            STAGE.redis().publish(channel, "no \"JSON\"");
            STAGE.redis().publish("user:7", "[2]");
            assertThat(raw.publication(channel)).isEqualTo(new JsonObject("{\"a\":1}"));
            assertThat(raw.publication(channel)).isEqualTo("no \"JSON\"");
            assertThat(raw.publication("user:7")).hasToString("[2]");
            await("count").until(() -> STAGE.pod().metric("sluice_centrifuge_binary_total") > before);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'id':5,'subscribe':{'channel':'user:8'}} | 103",
                "{'id':5,'subscribe':{'channel':'user:7'}} | 105",
                "{'id':5,'subscribe':{'channel':'$upload:1'}} | 103",
                "{'id':5,'subscribe':{'channel':'upload:1#7'}} | 103",
                "{'id':5,'subscribe':{'channel':'nowhere:1'}} | 102",
                "{'id':5,'subscribe':{'channel':'upload:1','recover':true,'offset':'1'}} | 107",
                "{'id':5,'subscribe':{'channel':'upload:1','recover':true,'offset':1.5}} | 107",
                "{'id':5,'subscribe':{'channel':'upload:1','recover':true,'offset':-1}} | 107",
                "{'id':5,'subscribe':{}} | 107",
                "{'id':5,'history':{'channel':'upload:unheard','limit':1}} | 103",
                "{'id':5,'publish':{'channel':'upload:1','data':{}}} | 108",
                "{'id':5,'rpc':{'method':'x'}} | 108",
                "{'id':5,'refresh':{'token':'x'}} | 101"
            })
    void refusedCommandGetsTheErrorOfCentrifugo(String command, int code) {
        try (Raw raw = Raw.connected()) {
            raw.client.send(command.replace('\'', '"'));
            JsonObject answer = raw.next();
            assertThat(answer.getInteger("id")).isEqualTo(5);
            assertThat(answer.getJsonObject("error").getInteger("code")).isEqualTo(code);
            raw.client.send("{\"id\":6,\"ping\":{}}");
            assertThat(raw.next().getInteger("id")).isEqualTo(6);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'id':1,'subscribe':{'channel':'upload:1'}} | 3501",
                "{'id':1,'connect':{'token':'x'}} | 3500",
                "{'id':1,'connect':{}} | 3500",
                "{'connect':{}} | 3501",
                "{'id':1 | 3501",
                "[] | 3501"
            })
    void refusedConnectCloses(String command, int code) {
        try (Raw raw = new Raw()) {
            raw.client.send(command.replace('\'', '"'));
            assertThat(raw.client.closeCode()).isEqualTo(code);
        }
    }

    @Test
    void secondConnectAndUnanswerableCommandClose() {
        for (String command : List.of(connect(Tokens.of("7")), "{\"ping\":{}}", "{\"id\":\"1\",\"ping\":{}}", "x")) {
            try (Raw raw = Raw.connected()) {
                raw.client.send(command);
                assertThat(raw.client.closeCode()).as(command).isEqualTo(3501);
            }
        }
    }

    @Test
    void protobufIsRefusedPermanently() {
        try (Client client = Client.connect(STAGE.pod().webSocket(PATH), Map.of(), "centrifuge-protobuf")) {
            assertThat(client.closeCode()).isEqualTo(3506);
        }
    }

    @Test
    void recoverySendsWhatWasMissedInTheAnswer() {
        String channel = "upload:" + Stage.upload();
        try (Raw raw = Raw.connected()) {
            raw.client.send(subscribe(2, channel, ""));
            JsonObject first = raw.next().getJsonObject("subscribe");
            raw.client.send("{\"id\":3,\"unsubscribe\":{\"channel\":\"" + channel + "\"}}");
            raw.next();
            STAGE.redis().publish(channel, "1");
            STAGE.redis().publish(channel, "2");
            STAGE.pod().awaitHandled(STAGE.redis());
            String since = ",\"recover\":true,\"epoch\":\"" + first.getString("epoch") + "\",\"offset\":"
                    + first.getLong("offset");
            raw.client.send(subscribe(4, channel, since));
            JsonObject again = raw.next().getJsonObject("subscribe");
            assertThat(again.getBoolean("was_recovering")).isTrue();
            assertThat(again.getBoolean("recovered")).isTrue();
            assertThat(again.getJsonArray("publications").stream()
                            .map(publication -> ((JsonObject) publication).getInteger("data")))
                    .containsExactly(1, 2);
            raw.client.send("{\"id\":5,\"history\":{\"channel\":\"" + channel + "\",\"limit\":1,\"reverse\":true}}");
            assertThat(raw.next().getJsonObject("history").getJsonArray("publications"))
                    .hasSize(1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void sdkDoesWhatItsUsersExpect(SdkClient.Sdk language) {
        String channel = "upload:" + Stage.upload();
        try (SdkClient sdk = SdkClient.start(language, STAGE.pod().webSocket(PATH), Tokens.of("sdk"))) {
            sdk.await("own user:sdk false false");
            sdk.send("subscribe " + channel);
            sdk.await("subscribed " + channel + " false false");
            STAGE.redis().publish(channel, "{\"n\":1}");
            STAGE.redis().publish("user:sdk", "\"own\"");
            sdk.await("publication " + channel + " {\"n\":1}");
            sdk.await("publication user:sdk \"own\"");
            sdk.send("history " + channel);
            sdk.await("history " + channel + " [{\"n\":1}]");
            sdk.send("presence " + channel);
            sdk.await("presence " + channel + " 1 1");
            sdk.send("publish " + channel);
            sdk.await("refused publish 108");
            sdk.send("unsubscribe " + channel);
            sdk.await("unsubscribed " + channel + " 0");
            STAGE.redis().publish(channel, "{\"n\":2}");
            STAGE.redis().publish("user:sdk", "\"later\"");
            sdk.await("publication user:sdk \"later\"");
            assertThat(sdk.said()).doesNotContain("publication " + channel + " {\"n\":2}");
            sdk.send("subscribe user:8");
            sdk.await("unsubscribed user:8 103");
        }
    }

    static List<SdkClient.Sdk> sdks() {
        return Histories.firstOf(List.of(SdkClient.Sdk.values()));
    }

    @ParameterizedTest
    @MethodSource("sdks")
    void sdkWithABadTokenStops(SdkClient.Sdk language) {
        try (SdkClient sdk = SdkClient.start(language, STAGE.pod().webSocket(PATH), "x")) {
            sdk.await("disconnected 101");
        }
    }

    @ParameterizedTest
    @MethodSource("sdks")
    void sdkRenewsItsTokenAndStaysConnected(SdkClient.Sdk language) {
        try (SdkClient sdk = SdkClient.start(language, STAGE.pod().webSocket(PATH));
                Raw idle = new Raw()) {
            String expiring = expiringIn(1);
            sdk.send("token " + expiring);
            idle.client.send(connect(expiring));
            assertThat(idle.next().getJsonObject("connect").getInteger("ttl")).isBetween(1, 2);
            sdk.await("own user:sdk false false");
            sdk.send("token " + Tokens.of("sdk"));
            assertThat(idle.client.closeCode()).isEqualTo(3005);
            STAGE.redis().publish("user:sdk", "\"after the expiry\"");
            sdk.await("publication user:sdk \"after the expiry\"");
            assertThat(sdk.said())
                    .filteredOn(line -> !line.startsWith("connecting 0"))
                    .noneMatch(line -> line.startsWith("connecting") || line.startsWith("disconnected"))
                    .filteredOn(line -> line.startsWith("connected "))
                    .hasSize(1);
        }
    }

    @ParameterizedTest
    @MethodSource("sdks")
    void sdkWithABadNewTokenStops(SdkClient.Sdk language) {
        try (SdkClient sdk = SdkClient.start(language, STAGE.pod().webSocket(PATH))) {
            sdk.send("token " + expiringIn(1));
            sdk.await("own user:sdk false false");
            sdk.send("token x");
            sdk.await("disconnected 101");
        }
    }

    @ParameterizedTest
    @MethodSource("sdks")
    void sdkWithAnExpiredNewTokenConnectsAgain(SdkClient.Sdk language) {
        try (SdkClient sdk = SdkClient.start(language, STAGE.pod().webSocket(PATH))) {
            sdk.send("token " + expiringIn(1));
            sdk.await("own user:sdk false false");
            sdk.send("token " + expiringIn(-60));
            sdk.await("connecting 3005");
            sdk.send("token " + Tokens.of("sdk"));
            sdk.await("own user:sdk true true");
        }
    }

    @Test
    void refreshWithAnotherUsersTokenIsRefused() {
        try (Raw raw = Raw.connected()) {
            raw.client.send("{\"id\":2,\"refresh\":{\"token\":\"" + Tokens.of("8") + "\"}}");
            assertThat(raw.next().getJsonObject("error").getInteger("code")).isEqualTo(101);
            raw.client.send("{\"id\":3,\"refresh\":{\"token\":\"" + Tokens.of("7") + "\"}}");
            assertThat(raw.next().getJsonObject("refresh").getBoolean("expires"))
                    .isTrue();
        }
    }

    @Test
    void sdkConnectsToAnotherPodWhenItsPodIsSilent() {
        try (TcpProxy proxy = new TcpProxy(pinging.port());
                SdkClient javaScript = SdkClient.start(SdkClient.Sdk.JAVASCRIPT, through(proxy), Tokens.of("sdk"));
                SdkClient python = SdkClient.start(SdkClient.Sdk.PYTHON, through(proxy), Tokens.of("sdk"));
                SdkClient go = SdkClient.start(SdkClient.Sdk.GO, through(proxy), Tokens.of("sdk"))) {
            String channel = "upload:" + Stage.upload();
            List<SdkClient> all = List.of(javaScript, python, go);
            all.forEach(sdk -> sdk.send("subscribe " + channel));
            all.forEach(sdk -> sdk.await("subscribed " + channel + " false false"));
            proxy.leadTo(STAGE.pod().port());
            pinging.process().freeze();
            STAGE.redis().publish(channel, "1");
            for (SdkClient sdk : all) {
                sdk.await("connecting 2");
                sdk.await("subscribed " + channel + " true true");
                sdk.await("publication " + channel + " 1");
            }
        } finally {
            pinging.process().thaw();
        }
    }

    @Test
    void clientWithoutPongsIsClosed() {
        try (Raw silent = new Raw(pinging);
                Raw answering = new Raw(pinging)) {
            silent.client.send(connect(Tokens.of("7")));
            answering.client.send(connect(Tokens.of("7")));
            assertThat(answering.next().getJsonObject("connect").getInteger("ping"))
                    .isEqualTo(2);
            while (silent.client.isOpen()) {
                assertThat(answering.next()).isEmpty();
                answering.client.send("{}");
            }
            assertThat(silent.client.closeCode()).isEqualTo(3012);
            assertThat(answering.next()).isEmpty();
        }
    }

    @Test
    void frameOfMoreThanAllSubscriptionsIsTooLarge() {
        try (Raw raw = Raw.connected()) {
            raw.client.send("{\"id\":2,\"ping\":{},\"rest\":\"" + "x".repeat(70_000) + "\"}");
            assertThat(raw.next().getInteger("id")).isEqualTo(2);
            raw.client.send("x".repeat(80_000));
            assertThat(raw.client.closeCode()).isEqualTo(1009);
        }
    }

    /** One of them has as many subscriptions as it may have, which it recovers in one frame. */
    @Tag("long")
    @Test
    void sdksOfAKilledPodRecoverOnAnotherPodWithoutLossOrDuplicate() {
        String channel = "upload:" + Stage.upload();
        List<String> channels = IntStream.range(0, MAX_SUBSCRIPTIONS)
                .mapToObj(i -> "upload:" + new UUID(i, i))
                .toList();
        try (Pod one = Pod.ready(redis, QUICK);
                TcpProxy proxy = new TcpProxy(one.port())) {
            awaitSameEra(one);
            try (SdkClients sdks = SdkClients.start(through(proxy), Tokens.of("moving"));
                    SdkClient many = SdkClient.start(SdkClient.Sdk.JAVASCRIPT, through(proxy), Tokens.of("many"));
                    Redis.Publisher publisher = redis.publisher()) {
                sdks.send("subscribe " + channel);
                channels.forEach(each -> many.send("subscribe " + each));
                sdks.await("subscribed " + channel + " false false");
                channels.forEach(each -> many.await("subscribed " + each + " false false"));
                publish(channel, 0);
                sdks.await("publication " + channel + " " + (PART / 2));
                one.process().kill();
                proxy.leadTo(two.port());
                publish(channel, PART);
                channels.forEach(each -> publisher.publish(each, new byte[] {'1'}));
                sdks.await("subscribed " + channel + " true true");
                sdks.await("own user:moving true true");
                channels.forEach(each -> many.await("subscribed " + each + " true true"));
                publish(channel, 2 * PART);
                channels.forEach(each -> publisher.publish(each, new byte[] {'2'}));
                channels.forEach(each -> many.await("publication " + each + " 2"));
                assertThat(many.said().stream().filter(line -> line.startsWith("publication")))
                        .hasSize(2 * MAX_SUBSCRIPTIONS);
                for (String each : List.of(channel, "user:moving")) {
                    String prefix = "publication " + each + " ";
                    sdks.await(prefix + (3 * PART - 1));
                    for (SdkClient sdk : sdks.clients()) {
                        assertThat(sdk.said().stream()
                                        .filter(line -> line.startsWith(prefix))
                                        .map(line -> Integer.valueOf(line.substring(prefix.length()))))
                                .containsExactlyElementsOf(
                                        IntStream.range(0, 3 * PART).boxed().toList());
                    }
                }
                sdks.assumeComplete();
            }
        }
    }

    @Test
    void sdksLearnThatTheyCannotRecoverAfterARestartOfRedis() {
        String channel = "upload:" + Stage.upload();
        await("positions").until(() -> !era(two).isEmpty());
        try (SdkClients sdks = SdkClients.start(two.webSocket(PATH), Tokens.of("lost"))) {
            sdks.send("subscribe " + channel);
            sdks.await("subscribed " + channel + " false false");
            redis.publish(channel, "1");
            sdks.await("publication " + channel + " 1");
            redis.kill();
            redis.startAgain();
            sdks.await("subscribing " + channel + " 2500");
            sdks.await("subscribed " + channel + " true false");
            await("the feed").until(() -> two.metric("sluice_feed_live") == 1);
            redis.publish(channel, "2");
            redis.publish("user:lost", "3");
            sdks.await("publication " + channel + " 2");
            sdks.await("publication user:lost 3");
            sdks.assumeComplete();
        }
    }

    private static void publish(String channel, int from) {
        for (int number = from; number < from + PART; number++) {
            redis.publish(channel, "" + number);
            redis.publish("user:moving", "" + number);
        }
    }

    private static void awaitSameEra(Pod one) {
        await("one era").until(() -> !era(one).isEmpty() && era(one).equals(era(two)));
    }

    private static URI through(TcpProxy proxy) {
        return URI.create("ws://127.0.0.1:" + proxy.port() + PATH);
    }

    private static String era(Pod pod) {
        return pod.log()
                .lines()
                .filter(line -> line.contains("positions in era"))
                .reduce("", (before, line) -> line.substring(line.lastIndexOf(' ')));
    }

    private static String expiringIn(int seconds) {
        JwtClaims claims = Tokens.claims("sdk");
        claims.setExpirationTime(NumericDate.fromSeconds(NumericDate.now().getValue() + seconds));
        return Tokens.sign(claims);
    }

    private static String connect(String token) {
        return "{\"id\":1,\"connect\":{\"token\":\"" + token + "\"}}";
    }

    private static String subscribe(int id, String channel, String more) {
        return "{\"id\":" + id + ",\"subscribe\":{\"channel\":\"" + channel + "\"" + more + "}}";
    }

    /** A connection without an SDK. */
    private static final class Raw implements AutoCloseable {
        private final Client client;
        private final Deque<String> lines = new ArrayDeque<>();

        Raw() {
            this(STAGE.pod());
        }

        Raw(Pod pod) {
            client = Client.connect(pod.webSocket(PATH), Map.of(), "centrifuge-json");
        }

        static Raw connected() {
            Raw raw = new Raw();
            raw.client.send(CentrifugeIT.connect(Tokens.of("7")));
            assertThat(raw.next().getJsonObject("connect")).isNotNull();
            return raw;
        }

        JsonObject next() {
            while (lines.isEmpty()) {
                lines.addAll(client.next().lines().toList());
            }
            return new JsonObject(lines.remove());
        }

        Object publication(String channel) {
            JsonObject push = next().getJsonObject("push");
            assertThat(push.getString("channel")).isEqualTo(channel);
            assertThat(push.getJsonObject("pub").getLong("offset")).isPositive();
            return push.getJsonObject("pub").getValue("data");
        }

        @Override
        public void close() {
            client.close();
        }
    }
}
