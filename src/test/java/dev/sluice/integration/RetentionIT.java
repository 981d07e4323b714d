package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.harness.Client;
import dev.sluice.harness.Histories;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** A subscriber gets the newest publication, and then all later ones. */
@ParameterizedClass
@MethodSource("dev.sluice.integration.PodVariant#wires")
class RetentionIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    /** Each round sends two messages; with more rounds, a fast machine exceeds the frame rate. */
    private static final int MOST_ROUNDS = 200;

    private final Pod pod;
    private final String upload = Stage.upload();

    RetentionIT(PodVariant variant) {
        this.pod = STAGE.pod(variant);
    }

    @Test
    void newestPublicationFollowsTheAnswer() {
        try (Client early = Client.of(pod, "early").subscribe(upload);
                Client late = Client.of(pod, "late")) {
            publish("first");
            publish("newest");
            early.awaitMessage("newest");
            late.send("{\"action\":\"subscribe\",\"channel\":\"upload:" + upload + "\",\"id\":7}");
            assertThat(late.next())
                    .isEqualTo("{\"action\":\"subscribed\",\"channel\":\"upload:" + upload
                            + "\",\"retained\":true,\"id\":7}");
            assertThat(late.next()).isEqualTo("newest");
            late.assertNothingMore();
            early.assertNothingMore();
        }
    }

    @Test
    void newestPublicationIsRetainedWithoutListeners() {
        publish("unheard");
        awaitHandled();
        try (Client client = Client.of(pod, "late").subscribeToRetained(upload)) {
            assertThat(client.next()).isEqualTo("unheard");
        }
    }

    @Test
    void eachAnswerOfAListIsFollowedByItsPublication() {
        String other = Stage.upload();
        String silent = Stage.upload();
        publish("one");
        STAGE.redis().publish("upload:" + other, "two");
        awaitHandled();
        try (Client client = Client.of(pod, "late")) {
            client.send("{\"action\":\"subscribe\",\"channels\":[\"upload:%s\",\"upload:%s\",\"upload:%s\"]}"
                    .formatted(upload, silent, other));
            assertThat(client.next()).contains("\"upload:" + upload + "\",\"retained\":true");
            assertThat(client.next()).isEqualTo("one");
            assertThat(client.next()).contains("\"upload:" + silent + "\"").doesNotContain("retained");
            assertThat(client.next()).contains("\"upload:" + other + "\",\"retained\":true");
            assertThat(client.next()).isEqualTo("two");
            client.assertNothingMore();
        }
    }

    @Test
    void newestPublicationIsSentOnceAndAgainAfterUnsubscribe() {
        try (Client client = Client.of(pod, "again").subscribe(upload)) {
            publish("1");
            assertThat(client.next()).isEqualTo("1");
            assertThat(client.subscribes(upload)).as("it has got it").isFalse();
            publish("2");
            assertThat(client.next()).isEqualTo("2");
            client.unsubscribe(upload);
            publish("3");
            awaitHandled();
            client.assertNothingMore();
            assertThat(client.subscribeToRetained(upload).next()).isEqualTo("3");
            assertThat(client.subscribes(upload)).as("it has been given it").isFalse();
            publish("4");
            assertThat(client.next()).isEqualTo("4");
        }
    }

    @Test
    void subscribeUploadSendsNoRetainedPublication() {
        publish("completed");
        awaitHandled();
        try (Client client = Client.of(pod, "old")) {
            client.subscribe(upload);
            client.assertNothingMore();
            publish("next");
            assertThat(client.next()).isEqualTo("next");
            client.subscribe(upload).assertNothingMore();
        }
        try (Client client = Client.of(pod, "old and new").subscribe(upload)) {
            assertThat(client.subscribeToRetained(upload).next())
                    .as("the new verb does, once")
                    .isEqualTo("next");
            client.subscribe(upload).assertNothingMore();
            assertThat(client.subscribes(upload)).isFalse();
        }
    }

    @Test
    void otherConnectionOfTheUserGetsTheNewestPublication() {
        publish("before");
        awaitHandled();
        try (Client one = Client.of(pod, "two tabs")) {
            assertThat(one.subscribeToRetained(upload).next()).isEqualTo("before");
            try (Client two = Client.of(pod, "two tabs")) {
                assertThat(two.subscribeToRetained(upload).next())
                        .as("it hears the channel by the user's subscription, and has not got this")
                        .isEqualTo("before");
                publish("after");
                assertThat(two.next()).isEqualTo("after");
                assertThat(two.subscribes(upload)).isFalse();
                assertThat(one.next()).isEqualTo("after");
                one.assertNothingMore();
                two.assertNothingMore();
            }
        }
    }

    @Test
    void channelNamedTwiceGetsTheNewestPublicationOnce() {
        publish("newest");
        awaitHandled();
        try (Client client = Client.of(pod, "twice")) {
            client.send("{\"action\":\"subscribe\",\"channels\":[\"upload:%1$s\",\"upload:%1$s\"]}".formatted(upload));
            assertThat(client.next()).endsWith("\"retained\":true}");
            assertThat(client.next()).isEqualTo("newest");
            assertThat(client.next()).isEqualTo("{\"action\":\"subscribed\",\"channel\":\"upload:" + upload + "\"}");
            client.assertNothingMore();
        }
    }

    @Test
    void binaryAndEmptyPayloadsStayUnchanged() {
        byte[] binary = {(byte) 0xff, 0, (byte) 0xfe};
        String large = "ü".repeat(100_000);
        try (Client client = Client.of(pod, "late")) {
            STAGE.redis().publish("upload:" + upload, binary);
            awaitHandled();
            assertThat(client.subscribeToRetained(upload).nextBinary()).isEqualTo(binary);
            client.unsubscribe(upload);
            publish("");
            awaitHandled();
            assertThat(client.subscribeToRetained(upload).next()).isEmpty();
            client.unsubscribe(upload);
            publish(large);
            awaitHandled();
            assertThat(client.subscribeToRetained(upload).next()).isEqualTo(large);
        }
    }

    @Test
    void oversizedPayloadDoesNotReplaceTheRetainedOne() {
        publish("good");
        publish("x".repeat(256 * 1024 + 1));
        awaitHandled();
        try (Client client = Client.of(pod, "late").subscribeToRetained(upload)) {
            assertThat(client.next()).isEqualTo("good");
        }
    }

    /**
     * Subscribes while another thread publishes: at any moment, the newest publication is sent once, and all later ones
     * follow once and in order. A client that is too slow gets the number of missed ones.
     */
    @Test
    void publicationsAfterTheRetainedOneArriveOnce() {
        publish("0");
        awaitHandled();
        AtomicBoolean over = new AtomicBoolean();
        CompletableFuture<Void> publishing = Background.run(() -> {
            try (Redis.Publisher publisher = STAGE.redis().publisher()) {
                for (int number = 1; !over.get(); number++) {
                    publisher.publish("upload:" + upload, bytes(number));
                    // Tracking every buffer slows the pod; an overloaded pod proves nothing.
                    LockSupport.parkNanos(100_000);
                }
            }
        });
        try {
            CompletableFuture.allOf(Background.run(() -> race("one")), Background.run(() -> race("two")))
                    .orTimeout(180, TimeUnit.SECONDS)
                    .join();
        } finally {
            over.set(true);
            publishing.join();
        }
    }

    private void race(String user) {
        String unsubscribed = "{\"action\":\"unsubscribed\",\"channel\":\"upload:" + upload + "\"}";
        int newest = 0;
        try (Client client = Client.of(pod, user)) {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(Histories.halfOf(2));
            for (int round = 0; round < 10 || (round < MOST_ROUNDS && System.nanoTime() < end); round++) {
                client.subscribeToRetained(upload);
                int first = Integer.parseInt(client.next());
                assertThat(first).as("not older than what it had").isGreaterThanOrEqualTo(newest);
                newest = first;
                for (int i = 0; i < round % 7; i++) {
                    newest = following(client, client.next(), newest);
                }
                client.send("{\"action\":\"unsubscribe_upload\",\"upload_id\":\"" + upload + "\"}");
                for (String message = client.next(); !message.equals(unsubscribed); message = client.next()) {
                    newest = following(client, message, newest);
                }
            }
        }
    }

    /** Checks that the message is the next number, or the number of missing ones before it. */
    private int following(Client client, String message, int newest) {
        String missed = "{\"action\":\"missed\",\"channel\":\"upload:" + upload + "\",\"count\":";
        if (!message.startsWith(missed)) {
            assertThat(message).isEqualTo(Integer.toString(newest + 1));
            return newest + 1;
        }
        int next = newest + 1 + Integer.parseInt(message.substring(missed.length(), message.length() - 1));
        assertThat(client.next()).isEqualTo(Integer.toString(next));
        return next;
    }

    private static byte[] bytes(int number) {
        return Integer.toString(number).getBytes(StandardCharsets.US_ASCII);
    }

    private void publish(String payload) {
        STAGE.redis().publish("upload:" + upload, payload);
    }

    private void awaitHandled() {
        pod.awaitHandled(STAGE.redis());
    }
}
