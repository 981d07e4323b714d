package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.RawClient;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Clients that do not read use bounded memory for a bounded time, and do not affect others. */
@Order(2)
@Tag("chaos")
@ParameterizedClass
@MethodSource("dev.sluice.integration.PodVariant#wiresOfOwnPods")
class OverflowIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    private static final String MISSED = "sluice_missed_total{route=\"upload\"}";
    private static final int MAX_BYTES = 1024 * 1024;
    /** More publications than any kernel can hold. */
    private static final int ENOUGH = 2_000;

    private final PodVariant variant;
    private final Pod pod;

    OverflowIT(PodVariant variant) {
        this.variant = variant;
        this.pod = STAGE.pod(variant);
    }

    @BeforeEach
    @AfterEach
    void nothingWaitsForAnybody() {
        awaitNobody(pod);
    }

    private static void awaitNobody(Pod pod) {
        pod.awaitMetric("sluice_connections{state=\"authenticated\"}", 0);
        pod.awaitMetric("sluice_outbox_pending_bytes", 0);
    }

    @Test
    void latestPolicyDropsOlderPublicationsAndReportsTheCount() {
        String upload = Stage.upload();
        double before = missed();
        try (RawClient slow = RawClient.narrow(pod, "slow").subscribe(upload);
                Client healthy = Client.of(pod, "healthy").subscribe(upload)) {
            int published = 0;
            while (missed() - before < 20) {
                assertThat(published).isLessThan(ENOUGH);
                String payload = numbered(++published, 20_000);
                STAGE.redis().publish("upload:" + upload, payload);
                assertThat(healthy.next()).isEqualTo(payload);
                assertThat(pending(pod)).isLessThanOrEqualTo(2 * MAX_BYTES);
            }
            Pattern told =
                    Pattern.compile("\\{\"action\":\"missed\",\"channel\":\"upload:" + upload + "\",\"count\":(\\d+)}");
            int heard = 0;
            int dropped = 0;
            // Earlier data arrives first.
            while (heard < published) {
                String message = slow.next();
                Matcher missed = told.matcher(message);
                if (missed.matches()) {
                    int count = Integer.parseInt(missed.group(1));
                    dropped += count;
                    heard += count;
                    message = slow.next();
                }
                assertThat(message).isEqualTo(numbered(++heard, 20_000));
            }
            assertThat(dropped).isGreaterThanOrEqualTo(20);
            pod.awaitMetric(MISSED, before + dropped);
            // The client has caught up, and misses nothing from here on.
            STAGE.redis().publish("upload:" + upload, "fresh");
            assertThat(slow.next()).isEqualTo("fresh");
            assertThat(healthy.next()).isEqualTo("fresh");
            healthy.assertNothingMore();
        }
    }

    @Test
    void newestOfEachChannelWaits() {
        String one = Stage.upload();
        String two = Stage.upload();
        double before = missed();
        try (RawClient slow = RawClient.narrow(pod, "slow").subscribe(one).subscribe(two);
                Client healthy = Client.of(pod, "healthy").subscribe(one).subscribe(two)) {
            for (int i = 0; missed() - before < 20; i++) {
                assertThat(i).isLessThan(ENOUGH);
                publish(healthy, one, "x".repeat(20_000));
                publish(healthy, two, "y".repeat(20_000));
            }
            publish(healthy, one, "newest of one");
            publish(healthy, two, "newest of two");
            boolean heardOne = false;
            boolean heardTwo = false;
            while (!heardOne || !heardTwo) {
                String message = slow.next();
                heardOne |= message.equals("newest of one");
                heardTwo |= message.equals("newest of two");
            }
        }
    }

    @Test
    void unsubscribeDiscardsWaitingPublications() {
        String upload = Stage.upload();
        double before = missed();
        try (RawClient slow = RawClient.narrow(pod, "slow").subscribe(upload);
                Client healthy = Client.of(pod, "healthy").subscribe(upload)) {
            for (int i = 0; missed() - before < 20; i++) {
                assertThat(i).isLessThan(ENOUGH);
                publish(healthy, upload, "x".repeat(20_000));
            }
            publish(healthy, upload, "newest");
            slow.text("{\"action\":\"unsubscribe_upload\",\"upload_id\":\"" + upload + "\"}");
            String message = slow.next();
            while (!message.contains("unsubscribed")) {
                assertThat(message).isNotEqualTo("newest");
                message = slow.next();
            }
            STAGE.redis().publish("user:slow", "still here");
            assertThat(slow.next()).isEqualTo("still here");
        }
    }

    @Test
    void clientThatClosesAndDoesNotReadIsCut() {
        try (RawClient leaving = RawClient.narrow(pod, "crowd");
                Client healthy = Client.of(pod, "crowd")) {
            for (int i = 0; pending(pod) < 200_000; i++) {
                assertThat(i).isLessThan(ENOUGH);
                publishToUser(healthy, "x".repeat(50_000));
            }
            leaving.frame(RawClient.FINAL | RawClient.CLOSE, new byte[] {3, (byte) 0xe8});
            await("gone").until(leaving::isGone);
        }
    }

    @Test
    void closePolicyClosesWith4008AndCutsTcp() {
        double full = pod.disconnects("outbox_full");
        double all = pod.disconnects();
        try (RawClient slow = RawClient.narrow(pod, "crowd");
                Client healthy = Client.of(pod, "crowd")) {
            publishUntilFull(pod, healthy, full);
            // The client does not read, so it can't get the close frame.
            await("gone").until(slow::isGone);
            pod.awaitMetric("sluice_outbox_pending_bytes", 0);
            pod.awaitDisconnects("outbox_full", full + 1);
            pod.awaitDisconnects(all + 1);
            publishToUser(healthy, "still here");
            pod.awaitMetric("sluice_connections{state=\"authenticated\"}", 1);
        }
    }

    @Test
    void closedClientThatReadsGetsTheCloseCode() {
        double full = pod.disconnects("outbox_full");
        try (RawClient slow = RawClient.of(pod, "crowd");
                Client healthy = Client.of(pod, "crowd")) {
            publishUntilFull(pod, healthy, full);
            assertThat(slow.closeCode()).isEqualTo(4008);
        }
    }

    @Test
    void pingFloodWithoutReadingIsClosed() {
        Map<String, String> asManyAsItLikes =
                Map.of("sluice.limits.frames-per-second", "1000000", "sluice.limits.frames-burst", "1000000");
        try (Pod own = Pod.ready(STAGE.redis(), variant.with(asManyAsItLikes));
                RawClient flooder = RawClient.narrow(own, "flooder");
                Client healthy = Client.of(own, "healthy")) {
            CompletableFuture<Void> flood = Background.run(() -> {
                byte[] most = new byte[125];
                try {
                    while (true) {
                        flooder.frames(RawClient.FINAL | RawClient.PING, most, 100);
                    }
                } catch (UncheckedIOException cutOff) {
                    // The answer to its request.
                }
            });
            await("cut off").until(() -> {
                assertThat(pending(own)).isLessThanOrEqualTo(2 * MAX_BYTES);
                return flood.isDone();
            });
            own.awaitDisconnects("outbox_full", 1);
            own.awaitDisconnects(1);
            healthy.assertNothingMore();
        }
    }

    @Test
    void pongCarriesTheDataOfThePing() {
        byte[] carried = "carried".getBytes(StandardCharsets.US_ASCII);
        try (RawClient client = RawClient.of(pod, "7").frame(RawClient.FINAL | RawClient.PING, carried)) {
            assertThat(client.nextPong()).isEqualTo(carried);
        }
        try (RawClient client = RawClient.connect(pod).frame(RawClient.FINAL | RawClient.PING, new byte[0])) {
            assertThat(client.nextPong()).as("before authentication").isEmpty();
        }
    }

    @Test
    void resetWithFullOutboxIsOneDisconnect() {
        double all = pod.disconnects();
        try (RawClient slow = RawClient.narrow(pod, "crowd");
                Client healthy = Client.of(pod, "crowd")) {
            for (int i = 0; pending(pod) < MAX_BYTES / 2; i++) {
                assertThat(i).isLessThan(ENOUGH);
                publishToUser(healthy, "x".repeat(20_000));
            }
            assertThat(pod.disconnects()).isEqualTo(all);
            slow.reset();
            await().until(() -> pending(pod) == 0 && pod.metric("sluice_users") == 1);
            publishToUser(healthy, "still here");
            pod.awaitMetric("sluice_connections{state=\"authenticated\"}", 1);
            pod.awaitDisconnects(all + 1);
        }
    }

    /** Publishes one by one, so that clients that read keep up. */
    private static void publishUntilFull(Pod pod, Client healthy, double before) {
        for (int i = 0; pod.disconnects("outbox_full") == before; i++) {
            assertThat(i).isLessThan(ENOUGH);
            publishToUser(healthy, "x".repeat(100_000));
            assertThat(pending(pod)).isLessThanOrEqualTo(2 * MAX_BYTES);
        }
    }

    private static void publishToUser(Client healthy, String payload) {
        STAGE.redis().publish("user:crowd", payload);
        assertThat(healthy.next()).isEqualTo(payload);
    }

    private static void publish(Client healthy, String upload, String payload) {
        STAGE.redis().publish("upload:" + upload, payload);
        assertThat(healthy.next()).isEqualTo(payload);
    }

    private static String numbered(int number, int length) {
        return (number + " ").repeat(length / 2).substring(0, length);
    }

    private double missed() {
        return pod.metric(MISSED);
    }

    private static double pending(Pod pod) {
        return pod.metric("sluice_outbox_pending_bytes");
    }
}
