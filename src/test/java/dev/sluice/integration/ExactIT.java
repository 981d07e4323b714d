package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.EventClient;
import dev.sluice.harness.EventParser.Event;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import dev.sluice.harness.ResumingClient;
import dev.sluice.harness.Tokens;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Pods that subscribe to the channels of their clients by name hear everything on these, and nothing else. */
@Order(2)
@Tag("chaos")
class ExactIT {

    private static final String READY = "/q/health/ready";
    private static final int UPLOADS = 250;
    private static final int CLIENTS = 40;

    /** The number of publications before, during and after an absence. */
    private static final int PART = 200;

    private static final String RECOVERED = "sluice_resumes_total{outcome=\"recovered\"}";

    private static Redis redis;
    private static Pod pod;
    private static Pod other;
    private static Map<String, String> config;

    @BeforeAll
    static void start() {
        redis = Redis.withOptions(
                "--user",
                "sluice",
                "on",
                ">secret",
                "resetchannels",
                "&upload:*",
                "&user:*",
                "&sluice:*",
                "+subscribe",
                "+unsubscribe",
                "+publish");
        config = Map.of(
                "quarkus.redis.hosts", "redis://sluice:secret@127.0.0.1:" + redis.port(),
                "sluice.feed.mode", "exact",
                "sluice.feed.linger", "5s",
                "sluice.canary.interval", "500ms",
                // A slow machine must not cause a gap.
                "sluice.canary.missed-beats", "6",
                "sluice.limits.frames-per-second", "5000",
                "sluice.gap.spread", "100ms",
                "sluice.feed.backoff.max", "300ms");
        pod = Pod.ready(redis, config);
        other = Pod.ready(redis, config);
    }

    @AfterAll
    static void stop() {
        other.assertQuiet();
        pod.assertQuiet();
        other.close();
        pod.close();
        redis.close();
    }

    @Test
    void podHearsOnlyWhatItsClientsListenTo() {
        String here = Stage.upload();
        String there = Stage.upload();
        try (Client one = Client.of(pod, "1").subscribe(here);
                Client two = Client.of(other, "2").subscribe(there)) {
            assertThat(redis.publish("upload:" + here, "a")).isEqualTo(1);
            assertThat(redis.publish("upload:" + there, "b")).isEqualTo(1);
            assertThat(redis.publish("user:1", "c")).isEqualTo(1);
            assertThat(redis.publish("upload:" + Stage.upload(), "d")).isZero();
            assertThat(redis.publish("upload:" + here, "x".repeat(300_000))).isEqualTo(1);
            assertThat(redis.publish("upload:" + here, "e")).isEqualTo(1);
            assertThat(List.of(one.next(), one.next(), one.next())).containsExactly("a", "c", "e");
            assertThat(two.next()).isEqualTo("b");
            one.assertNothingMore();
            two.assertNothingMore();
            pod.awaitMetric("sluice_feed_channels{state=\"subscribed\"}", 2);
        }
        assertThat(redis.patterns()).isZero();
    }

    @Test
    void everythingPublishedAfterTheAnswerIsHeard() {
        try (Client client = Client.of(pod, "3");
                Redis.Admin admin = redis.admin()) {
            for (int i = 0; i < 1000; i++) {
                String upload = Stage.upload();
                client.subscribe(upload);
                assertThat(admin.command("PUBLISH", "upload:" + upload, "" + i)).isEqualTo(":1");
                assertThat(client.next()).isEqualTo("" + i);
                // A user has at most 256 subscriptions.
                client.unsubscribe(upload);
            }
            for (int i = 0; i < 50; i++) {
                try (Client user = Client.of(other, "new-" + i)) {
                    assertThat(admin.command("PUBLISH", "user:new-" + i, "" + i))
                            .isEqualTo(":1");
                    assertThat(user.next()).isEqualTo("" + i);
                }
            }
        }
    }

    @Test
    void clientsOfOtherProtocolsWaitToo() {
        String upload = Stage.upload();
        try (Client client = Client.connect(pod.webSocket("/ws"), Map.of(), ResumingClient.SUBPROTOCOL)) {
            client.authenticate(Tokens.of("4"));
            assertThat(client.next()).startsWith("{\"action\":\"auth_success\",\"user_id\":\"4\"");
            client.send("{\"action\":\"subscribe\",\"channels\":[\"upload:" + upload + "\",\"upload:" + upload
                    + "-2\"],\"since\":\"18f3c0a1b2c-9a1b.16777219.abcd\"}");
            assertThat(client.next())
                    .startsWith("{\"action\":\"subscribed\",\"channel\":\"upload:" + upload + "\",\"recovered\":false");
            assertThat(client.next())
                    .startsWith(
                            "{\"action\":\"subscribed\",\"channel\":\"upload:" + upload + "-2\",\"recovered\":false");
            assertThat(redis.publish("upload:" + upload + "-2", "a")).isEqualTo(1);
            assertThat(client.next())
                    .startsWith("{\"channel\":\"upload:" + upload + "-2\"")
                    .endsWith("\"}\na");
        }
        try (Client client = Client.connect(
                pod.webSocket("/connection/websocket"), Map.of("Authorization", "Bearer " + Tokens.of("4")))) {
            client.send(
                    "{\"id\":1,\"connect\":{}}\n{\"id\":2,\"subscribe\":{\"channel\":\"upload:" + upload + "-3\"}}");
            assertThat(client.next()).startsWith("{\"id\":1,\"connect\":");
            assertThat(client.next()).startsWith("{\"id\":2,\"subscribe\":");
            assertThat(redis.publish("upload:" + upload + "-3", "{}")).isEqualTo(1);
            assertThat(client.next()).contains("\"data\":{}");
        }
    }

    @Tag("long")
    @Test
    void clientOfAKilledPodResumesOnAPodThatHearsItsChannels() {
        List<String> channels = List.of("upload:" + Stage.upload(), "upload:" + Stage.upload());
        ResumingClient memory = new ResumingClient("11", channels);
        List<Integer> heard = new ArrayList<>();
        double recovered = other.metric(RECOVERED);
        try (Pod one = Pod.ready(redis, config)) {
            await("one era").until(() -> !era(one).isEmpty() && era(one).equals(era(other)));
            try (Client stays = connect(other, new ResumingClient("11", channels), new ArrayList<>());
                    Client moves = connect(one, memory, heard)) {
                publish(channels, 0);
                while (heard.size() < PART / 2) {
                    hear(moves, memory, heard);
                }
                one.process().kill();
                assertThat(stays.next()).isNotEmpty();
            }
            publish(channels, PART);
            try (Client back = connect(other, memory, heard)) {
                publish(channels, 2 * PART);
                while (heard.size() < 3 * PART) {
                    hear(back, memory, heard);
                }
            }
        }
        assertThat(heard)
                .containsExactlyInAnyOrderElementsOf(
                        IntStream.range(0, 3 * PART).boxed().toList());
        assertThat(heard.stream().filter(number -> number % 3 == 0)).isSorted();
        assertThat(heard.stream().filter(number -> number % 3 != 0)).isSorted();
        other.awaitMetric(RECOVERED, recovered + 2);
    }

    /** Returns a client whose subscriptions are answered. */
    private static Client connect(Pod to, ResumingClient memory, List<Integer> heard) {
        Client client = Client.connect(to.webSocket("/ws"), Map.of(), ResumingClient.SUBPROTOCOL);
        memory.opened(Tokens.of("11")).forEach(client::send);
        while (!memory.isAnswered()) {
            hear(client, memory, heard);
        }
        return client;
    }

    private static void publish(List<String> channels, int from) {
        for (int number = from; number < from + PART; number++) {
            int turn = number % 3;
            redis.publish(turn == 0 ? "user:11" : channels.get(turn - 1), Integer.toString(number));
        }
    }

    private static void hear(Client client, ResumingClient memory, List<Integer> heard) {
        ResumingClient.Frame frame = memory.heard(client.next());
        assertThat(frame.isRefused()).isFalse();
        if (frame.payload().isPresent() && !frame.repeated()) {
            heard.add(Integer.valueOf(frame.payload().get()));
        }
    }

    /** Returns the era of the positions that the pod gives to clients now; empty if it gives none. */
    private static String era(Pod of) {
        try (Client client = Client.connect(of.webSocket("/ws"), Map.of(), ResumingClient.SUBPROTOCOL)) {
            client.authenticate(Tokens.of("12"));
            Matcher at = Pattern.compile("\"at\":\"([^.]+)").matcher(client.next());
            return at.find() ? at.group(1) : "";
        }
    }

    @Test
    void streamOfEventsBeginsOnceItsChannelsAreHeard() {
        String upload = Stage.upload();
        for (int i = 0; i < 20; i++) {
            String query = "?channel=upload:" + upload + "-" + i;
            try (EventClient client = EventClient.of(other, "sse-" + i, query)) {
                assertThat(client.next().data())
                        .startsWith("{\"action\":\"subscribed\",\"channels\":[\"user:sse-" + i + "\",\"upload:" + upload
                                + "-" + i + "\"]");
                assertThat(redis.publish("user:sse-" + i, "own")).isEqualTo(1);
                assertThat(redis.publish("upload:" + upload + "-" + i, "other")).isEqualTo(1);
                assertThat(client.publication().data()).isEqualTo("own");
                assertThat(client.publication().data()).isEqualTo("other");
            }
        }
    }

    /** On a busy machine, a pod may have a gap; the client, which is told so, then starts again. */
    @Tag("long")
    @Test
    void streamOfEventsResumesOnAPodThatHearsItsChannels() {
        for (int round = 1; ; round++) {
            await("one era").until(() -> !era(pod).isEmpty() && era(pod).equals(era(other)));
            double gaps = gaps();
            try {
                resumeStreamOfEvents();
                return;
            } catch (AssertionError | UncheckedIOException e) {
                if (gaps() == gaps || round == 5) {
                    throw e;
                }
            }
        }
    }

    private static void resumeStreamOfEvents() {
        List<String> channels = List.of("upload:" + Stage.upload(), "upload:" + Stage.upload());
        String query = "?user=false&channel=" + channels.get(0) + "&channel=" + channels.get(1);
        List<String> heard = new ArrayList<>();
        String last = "";
        try (EventClient stays = EventClient.of(other, "13", query)) {
            assertThat(stays.next().data()).contains("\"subscribed\"");
            try (EventClient moves = EventClient.of(pod, "14", query)) {
                moves.awaitId();
                publishNumbers(channels, 0);
                while (heard.size() < PART / 2) {
                    Event event = moves.publication();
                    heard.add(event.data());
                    last = event.lastEventId();
                }
            }
            publishNumbers(channels, PART);
            try (EventClient back = EventClient.of(other, "14", query, "Last-Event-ID: " + last)) {
                assertThat(back.next().data()).contains("\"recovered\":true");
                publishNumbers(channels, 2 * PART);
                while (heard.size() < 3 * PART) {
                    heard.add(back.publication().data());
                }
            }
        }
        assertThat(heard)
                .containsExactlyElementsOf(
                        IntStream.range(0, 3 * PART).mapToObj(Integer::toString).toList());
    }

    private static double gaps() {
        return pod.metric("sluice_feed_gaps_total") + other.metric("sluice_feed_gaps_total");
    }

    private static void publishNumbers(List<String> channels, int from) {
        for (int number = from; number < from + PART; number++) {
            redis.publish(channels.get(number % 2), Integer.toString(number));
        }
    }

    @Test
    void reloadedPageCostsRedisNoCommand() {
        String upload = Stage.upload();
        Client.of(pod, "5").subscribe(upload).close();
        long before = commands("subscribe");
        for (int i = 0; i < 20; i++) {
            try (Client again = Client.of(pod, "5").subscribe(upload)) {
                redis.publish("upload:" + upload, "" + i);
                assertThat(again.next()).isEqualTo("" + i);
            }
        }
        assertThat(commands("subscribe")).isEqualTo(before);
        assertThat(redis.publish("upload:" + upload, "lingers")).isEqualTo(1);
        await("the end of the subscription").until(() -> redis.publish("upload:" + upload, "nobody") == 0);
    }

    @Test
    void retainedPublicationIsForgottenWithTheSubscription() {
        String upload = Stage.upload();
        try (Client first = Client.of(pod, "6").subscribe(upload)) {
            redis.publish("upload:" + upload, "a");
            assertThat(first.next()).isEqualTo("a");
            try (Client second = Client.of(pod, "7").subscribeToRetained(upload)) {
                assertThat(second.next()).isEqualTo("a");
            }
        }
        await("the end of the subscription").until(() -> redis.publish("upload:" + upload, "newer") == 0);
        try (Client third = Client.of(pod, "8")) {
            assertThat(third.subscribes(upload)).isFalse();
        }
    }

    @Test
    void clientThatUnsubscribesBeforeTheAnswerHearsNothing() {
        String upload = Stage.upload();
        try (Client client = Client.of(pod, "9")) {
            redis.freeze();
            client.send("{\"action\":\"subscribe\",\"channel\":\"upload:" + upload + "\",\"id\":1}")
                    .send("{\"action\":\"unsubscribe\",\"channel\":\"upload:" + upload + "\",\"id\":2}");
            assertThat(client.next())
                    .isEqualTo("{\"action\":\"unsubscribed\",\"channel\":\"upload:" + upload + "\",\"id\":1}");
            assertThat(client.next())
                    .isEqualTo("{\"action\":\"unsubscribed\",\"channel\":\"upload:" + upload + "\",\"id\":2}");
            redis.thaw();
            pod.awaitReady();
            redis.publish("upload:" + upload, "unwanted");
            redis.publish("user:9", "last");
            client.awaitMessage("last");
            assertThat(client.rest()).isEmpty();
        } finally {
            redis.thaw();
        }
    }

    @Test
    void interruptedPodSubscribesToEverythingAgain() {
        String upload = Stage.upload();
        double gaps = pod.metric("sluice_feed_gaps_total");
        try (Client client = Client.of(pod, "10").subscribe(upload)) {
            redis.cutSubscribers();
            assertThat(client.nextGap()).contains("\"until\":null");
            assertThat(client.nextGap()).doesNotContain("\"until\":null");
            assertThat(redis.publish("upload:" + upload, "after")).isEqualTo(1);
            assertThat(redis.publish("user:10", "after all")).isEqualTo(1);
            assertThat(client.next()).isEqualTo("after");
            assertThat(client.next()).isEqualTo("after all");
            redis.kill();
            assertThat(client.nextGap()).contains("\"until\":null");
            await("unready").until(() -> pod.status(READY) == 503);
            // Answered at once, because the gap has been reported.
            client.subscribe(upload + "-meanwhile");
            redis.startAgain();
            assertThat(client.nextGap()).doesNotContain("\"until\":null");
            pod.awaitReady();
            other.awaitReady();
            assertThat(redis.publish("upload:" + upload, "again")).isEqualTo(1);
            assertThat(redis.publish("upload:" + upload + "-meanwhile", "both")).isEqualTo(1);
            assertThat(client.next()).isEqualTo("again");
            assertThat(client.next()).isEqualTo("both");
            assertThat(pod.metric("sluice_feed_gaps_total")).isGreaterThanOrEqualTo(gaps + 2);
        }
    }

    @Test
    void thousandsOfChannelsAreSubscribedWithFewCommands() {
        List<Client> clients = new ArrayList<>();
        String upload = Stage.upload();
        try {
            for (int i = 0; i < CLIENTS; i++) {
                clients.add(Client.of(other, "many-" + i));
            }
            long before = commands("subscribe");
            long start = System.nanoTime();
            for (int i = 0; i < CLIENTS; i++) {
                int client = i;
                clients.get(i)
                        .send(IntStream.range(0, UPLOADS)
                                .mapToObj(channel -> "\"upload:" + upload + "-" + client + "-" + channel + "\"")
                                .collect(Collectors.joining(",", "{\"action\":\"subscribe\",\"channels\":[", "]}")));
            }
            for (Client client : clients) {
                for (int i = 0; i < UPLOADS; i++) {
                    assertThat(client.next()).startsWith("{\"action\":\"subscribed\"");
                }
            }
            double seconds = (System.nanoTime() - start) / 1e9;
            long commands = commands("subscribe") - before;
            System.out.printf("10,000 channels: answered after %.2f s, %d commands%n", seconds, commands);
            assertThat(commands).isBetween(1L, 2_000L);
            assertThat(other.metric("sluice_feed_channels{state=\"subscribed\"}"))
                    .isGreaterThanOrEqualTo(CLIENTS * UPLOADS);
            redis.cutSubscribers();
            assertThat(clients.get(0).nextGap()).contains("\"until\":null");
            assertThat(clients.get(0).nextGap()).doesNotContain("\"until\":null");
            for (int i = 0; i < CLIENTS; i++) {
                int channel = i * 6;
                assertThat(redis.publish("upload:" + upload + "-" + i + "-" + channel, "" + i))
                        .isEqualTo(1);
                clients.get(i).awaitMessage("" + i);
            }
        } finally {
            clients.forEach(Client::close);
        }
    }

    /** Returns how many of these commands Redis has executed. */
    private static long commands(String name) {
        String stats = (String) Objects.requireNonNull(redis.reply("INFO", "commandstats"));
        Matcher calls = Pattern.compile("cmdstat_" + name + ":calls=(\\d+)").matcher(stats);
        return calls.find() ? Long.parseLong(calls.group(1)) : 0;
    }
}
