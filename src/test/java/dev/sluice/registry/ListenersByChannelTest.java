package dev.sluice.registry;

import static dev.sluice.registry.RegistryTest.upload;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.outbox.Payload;
import dev.sluice.outbox.Run;
import dev.sluice.route.Channel;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ListenersByChannelTest {

    private static final int ROUNDS = 50_000;

    @Test
    void whatWasDeliveredWhileJoiningIsNotHandedOutAgain() {
        Channel channel = upload("42");
        Connection connection = RegistryTest.connection("7", event -> {});
        Listeners listeners = new Listeners();
        listeners.add(connection, 1);
        Payload payload = new Payload(2, new byte[] {'a'}, true, 0);
        listeners.deliver(connection.loop(), new Run(channel, payload), (run, count) -> {});
        listeners.joined(connection, 2);
        assertThat(listeners.give(connection, 2, 0)).isFalse();
        assertThat(listeners.give(connection, 3, 3))
                .as("a later one that is lost")
                .isTrue();
    }

    @Test
    void whatWasSkippedForOneThatJoinsIsGivenOnAsking() {
        Channel channel = upload("42");
        Connection one = RegistryTest.connection("7", event -> {});
        Connection two = RegistryTest.connection("7", event -> {});
        Listeners listeners = new Listeners();
        listeners.add(one, 2);
        assertThat(listeners.give(one, 2, 0)).isTrue();
        listeners.add(two, 2);
        Payload payload = new Payload(2, new byte[] {'a'}, true, 0);
        assertThat(listeners.deliver(two.loop(), new Run(channel, payload), (run, count) -> {}))
                .isZero();
        assertThat(listeners.give(two, 2, 0)).isTrue();
    }

    /** A publication is looked up for listeners while the first of them joins: it is delivered or handed out. */
    @Test
    void whoIsNotFoundByAPublicationIsGivenItOnAsking() throws InterruptedException {
        Channel channel = upload("42");
        Connection connection = RegistryTest.connection("7", event -> {});
        ListenersByChannel[] rounds = new ListenersByChannel[ROUNDS];
        boolean[] found = new boolean[ROUNDS];
        AtomicInteger begun = new AtomicInteger(-1);
        AtomicInteger published = new AtomicInteger(-1);
        Thread publisher = new Thread(() -> {
            for (int i = 0; i < ROUNDS; i++) {
                while (begun.get() < i) {
                    Thread.onSpinWait();
                }
                for (int spin = i % 64; spin > 0; spin--) {
                    Thread.onSpinWait();
                }
                rounds[i].publishing(1);
                found[i] = rounds[i].of(channel) != null;
                published.set(i);
            }
        });
        publisher.start();
        int lost = 0;
        for (int i = 0; i < ROUNDS; i++) {
            ListenersByChannel listeners = new ListenersByChannel();
            rounds[i] = listeners;
            begun.set(i);
            listeners.join(connection, channel);
            while (published.get() < i) {
                Thread.onSpinWait();
            }
            if (!found[i] && !listeners.give(connection, channel, 1, 0)) {
                lost++;
            }
            rounds[i] = null;
        }
        publisher.join();
        assertThat(lost).isZero();
    }
}
