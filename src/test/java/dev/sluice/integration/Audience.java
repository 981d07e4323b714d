package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Well-behaved clients, and a publisher that publishes to all of them every few milliseconds: they must receive
 * everything, in order, and soon, regardless of other clients.
 */
final class Audience implements AutoCloseable {

    private static final int CLIENTS = 5;
    private static final long PACE_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    /** Far more than needed, even on a busy machine. */
    private static final double SOON_SECONDS = 20;

    private static final String END = "end";

    private final List<Client> clients = new ArrayList<>();
    private final List<CompletableFuture<Double>> heard = new ArrayList<>();
    private final Pod pod;
    private final long files;
    private final Thread publishing;
    private final String channel;
    private volatile boolean over;
    private volatile int published;

    /** Connects the clients, which then listen. */
    Audience(Pod pod, Redis redis) {
        this.pod = pod;
        String upload = Stage.upload();
        channel = "upload:" + upload;
        for (int i = 0; i < CLIENTS; i++) {
            Client client = Client.of(pod, "audience-" + i).subscribe(upload);
            clients.add(client);
            CompletableFuture<Double> worst = new CompletableFuture<>();
            heard.add(worst);
            start(() -> listen(client, worst));
        }
        publishing = start(() -> publish(redis));
        // Opens the connection that metrics need.
        pod.metric("sluice_users");
        files = pod.openFiles();
    }

    /** Publishes a last message, and asserts that all clients received everything up to it. */
    void assertHasHeardEverything() {
        over = true;
        try {
            publishing.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        assertThat(published).as("publications").isPositive();
        for (CompletableFuture<Double> worst : heard) {
            assertThat(worst.orTimeout(60, TimeUnit.SECONDS).join())
                    .as("seconds the slowest of %d publications took", published)
                    .isLessThan(SOON_SECONDS);
        }
    }

    /** Asserts that all other clients are gone, and left nothing behind, not even in the log. */
    void assertAlone() {
        await("only the audience is here").atMost(30, TimeUnit.SECONDS).untilAsserted(() -> {
            assertThat(pod.metric("sluice_connections{state=\"authenticated\"}"))
                    .isEqualTo(CLIENTS);
            assertThat(pod.metric("sluice_connections{state=\"unauthenticated\"}"))
                    .isZero();
            assertThat(pod.metric("sluice_users")).isEqualTo(CLIENTS);
            assertThat(pod.metric("sluice_subscriptions")).isEqualTo(CLIENTS);
            assertThat(pod.metric("sluice_outbox_pending_bytes")).isZero();
            assertThat(pod.openFiles()).isBetween(files - 5, files + 5);
        });
        assertThat(pod.status("/q/health/live")).isEqualTo(200);
        assertThat(pod.log()).doesNotContain("LEAK:", " ERROR ", "\n\tat ");
    }

    private void publish(Redis redis) {
        try (Redis.Publisher publisher = redis.publisher()) {
            for (int number = 1; !over; number++) {
                publisher.publish(channel, (number + " " + System.nanoTime()).getBytes(StandardCharsets.US_ASCII));
                published = number;
                LockSupport.parkNanos(PACE_NANOS);
            }
            publisher.publish(channel, END.getBytes(StandardCharsets.US_ASCII));
        }
    }

    private static void listen(Client client, CompletableFuture<Double> worst) {
        try {
            double seconds = 0;
            int number = 0;
            for (String message = client.next(); !message.equals(END); message = client.next()) {
                long now = System.nanoTime();
                int space = message.indexOf(' ');
                assertThat(message).startsWith(++number + " ");
                seconds = Math.max(seconds, (now - Long.parseLong(message.substring(space + 1))) / 1e9);
            }
            worst.complete(seconds);
        } catch (Throwable e) {
            worst.completeExceptionally(e);
        }
    }

    private static Thread start(Runnable task) {
        Thread thread = new Thread(task);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    @Override
    public void close() {
        over = true;
        clients.forEach(Client::close);
    }
}
