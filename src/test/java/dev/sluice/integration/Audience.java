package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.awaitility.core.ConditionTimeoutException;

/**
 * Well-behaved clients, and a publisher that publishes to all of them every few milliseconds: they must receive
 * everything, in order, and soon, regardless of other clients.
 */
final class Audience implements AutoCloseable {

    private static final int CLIENTS = 5;
    private static final long PACE_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    /** Far more than needed, even on a busy machine. */
    private static final double SOON_SECONDS = 40;

    private static final String END = "end";

    private final List<Client> clients = new ArrayList<>();
    private final List<CompletableFuture<Double>> heard = new ArrayList<>();
    private final String what;
    private final Pod pod;
    private final long files;
    private final Thread publishing;
    private final String channel;
    private volatile boolean over;
    private volatile int published;

    /**
     * Connects the clients, which then listen, to a pod that has no other clients.
     *
     * @param what others will do meanwhile, for messages
     */
    Audience(String what, Pod pod, Redis redis) {
        this.what = what;
        this.pod = pod;
        // A user keeps the subscriptions of a connection whose end the pod notices after that user's next connection.
        pod.awaitNobody();
        String upload = Stage.upload();
        channel = "upload:" + upload;
        users().forEach(user -> {
            // An attack before may have used up the rate of connects.
            Client client = await("admission")
                    .ignoreException(CompletionException.class)
                    .until(() -> Client.of(pod, user), admitted -> true)
                    .subscribe(upload);
            clients.add(client);
            CompletableFuture<Double> worst = new CompletableFuture<>();
            heard.add(worst);
            start(() -> listen(client, worst));
        });
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
                    .as("seconds the slowest of %d publications took during %s", published, what)
                    .isLessThan(SOON_SECONDS);
        }
    }

    /**
     * Asserts that all other clients are gone, and left nothing behind, not even in the log.
     *
     * @param others their users, for the message
     */
    void assertAlone(String... others) {
        try {
            await().untilAsserted(() -> {
                assertThat(Load.of(pod)).isEqualTo(new Load(CLIENTS, 0, CLIENTS, CLIENTS, 0));
                assertThat(pod.openFiles()).as("open files").isBetween(files - 5, files + 5);
            });
        } catch (ConditionTimeoutException e) {
            throw new AssertionError(
                    "not only the audience is left after " + what + ": " + e.getMessage() + "\n" + left(others), e);
        }
        assertThat(pod.status("/q/health/live")).as(what).isEqualTo(200);
        pod.assertNoErrors();
    }

    /** What the pod's clients take of it at one moment. */
    private record Load(
            double authenticated, double unauthenticated, double users, double subscriptions, double pendingBytes) {

        static Load of(Pod pod) {
            List<Double> values = pod.metrics(
                    "sluice_connections{state=\"authenticated\"}",
                    "sluice_connections{state=\"unauthenticated\"}",
                    "sluice_users",
                    "sluice_subscriptions",
                    "sluice_outbox_pending_bytes");
            return new Load(values.get(0), values.get(1), values.get(2), values.get(3), values.get(4));
        }
    }

    /** Lists the connections of the audience's users and of these, with their channels, and why others have ended. */
    private String left(String... others) {
        Stream<String> connections = Stream.concat(users(), Arrays.stream(others))
                .map(user -> user + ": "
                        + Api.operator(pod)
                                .get("/api/users/" + user + "/connections")
                                .body());
        Stream<String> ends = pod.metrics().stream().filter(line -> line.startsWith("sluice_disconnects_total"));
        return Stream.concat(connections, ends).collect(Collectors.joining("\n"));
    }

    private static Stream<String> users() {
        return IntStream.range(0, CLIENTS).mapToObj(i -> "audience-" + i);
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
