package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.harness.Client;
import dev.sluice.harness.Histories;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** A client that subscribes again to a channel loses nothing, gets nothing twice, and keeps the order. */
@Order(1)
@ParameterizedClass
@MethodSource("dev.sluice.integration.PodVariant#wires")
class ResubscribeIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    private static final int PER_SECOND = 2000;
    private static final int PUBLICATIONS = Histories.halfOf(5 * PER_SECOND);
    private static final int RESUBSCRIBES_PER_SECOND = 40;

    private final Pod pod;
    private final String upload = Stage.upload();

    ResubscribeIT(PodVariant variant) {
        this.pod = STAGE.pod(variant);
    }

    @Test
    void resubscribingDuringTrafficLosesNothing() {
        stays("{\"action\":\"subscribe\",\"channel\":\"upload:%s\"}", 1);
    }

    @Test
    void resubscribingByBothActionsLosesNothing() {
        stays("{\"action\":\"subscribe_upload\",\"upload_id\":\"%1$s\"}", 1);
    }

    @Test
    void listWithADuplicateChannelLosesNothing() {
        stays("{\"action\":\"subscribe\",\"channels\":[\"upload:%1$s\",\"upload:%1$s\"]}", 2);
    }

    @Test
    void secondConnectionOfTheUserDoesNotAffectTheFirst() {
        try (Client first = Client.of(pod, "two connections").subscribe(upload);
                Client second = Client.of(pod, "two connections")) {
            CompletableFuture<Void> publishing = publish();
            CompletableFuture<Void> asking = Background.run(() -> {
                while (!publishing.isDone()) {
                    second.send("{\"action\":\"subscribe\",\"channel\":\"upload:" + upload + "\"}");
                    LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(1) / RESUBSCRIBES_PER_SECOND);
                }
            });
            assertHearsAll(first);
            assertHearsAll(second);
            publishing.join();
            asking.join();
        }
    }

    private void stays(String again, int answers) {
        try (Client client = Client.of(pod, "subscribes again").subscribe(upload)) {
            CompletableFuture<Void> publishing = publish();
            CompletableFuture<Integer> asked = Background.supply(() -> {
                int times = 0;
                while (!publishing.isDone()) {
                    client.send(again.formatted(upload));
                    times++;
                    LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(1) / RESUBSCRIBES_PER_SECOND);
                }
                return times;
            });
            int answered = assertHearsAll(client);
            int expected = asked.join() * answers;
            for (; answered < expected; answered++) {
                assertThat(client.next()).isEqualTo(subscribed());
            }
            client.assertNothingMore();
            assertThat(expected).isGreaterThan(RESUBSCRIBES_PER_SECOND);
        }
    }

    private CompletableFuture<Void> publish() {
        return Background.run(() -> {
            try (Redis.Publisher publisher = STAGE.redis().publisher()) {
                long start = System.nanoTime();
                for (int number = 1; number <= PUBLICATIONS; number++) {
                    publisher.publish(
                            "upload:" + upload, Integer.toString(number).getBytes(StandardCharsets.US_ASCII));
                    LockSupport.parkNanos(
                            start + TimeUnit.SECONDS.toNanos(1) / PER_SECOND * number - System.nanoTime());
                }
            }
        });
    }

    /**
     * Checks that each number arrives once and in order, or is reported as missed; returns the number of answers in
     * between.
     */
    private int assertHearsAll(Client client) {
        String missed = "{\"action\":\"missed\",\"channel\":\"upload:" + upload + "\",\"count\":";
        int newest = 0;
        int answers = 0;
        while (newest < PUBLICATIONS) {
            String message = client.next();
            if (message.startsWith(missed)) {
                newest += Integer.parseInt(message.substring(missed.length(), message.length() - 1));
            } else if (message.startsWith("{\"action\":\"subscribed\"")) {
                assertThat(message).as("it is listened to already").isEqualTo(subscribed());
                answers++;
            } else {
                assertThat(message).isEqualTo(Integer.toString(newest + 1));
                newest++;
            }
        }
        return answers;
    }

    private String subscribed() {
        return "{\"action\":\"subscribed\",\"channel\":\"upload:" + upload + "\"}";
    }
}
