package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.access.TestAuthorizers;
import dev.sluice.demo.Dev;
import dev.sluice.guard.ConnectionSlots;
import dev.sluice.guard.TurnScheduler;
import dev.sluice.protocol.Dialect;
import dev.sluice.registry.Registry;
import dev.sluice.wire.FrameRate;
import dev.sluice.wire.Inbound;
import dev.sluice.wire.InboundBudget;
import dev.sluice.wire.ScarceAllocator;
import dev.sluice.wire.WebSocketChannel;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.netty.channel.embedded.EmbeddedChannel;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import io.vertx.core.Vertx;
import io.vertx.core.http.ServerWebSocket;
import jakarta.inject.Inject;
import java.lang.reflect.Proxy;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Runs in the process, because a test can't cause an out-of-memory error at a certain moment from outside. */
@QuarkusTest
@TestProfile(Dev.class)
class SessionRegistryTest {

    @Inject
    SessionRegistry sessions;

    @Inject
    Registry registry;

    @Inject
    Vertx vertx;

    private final ScarceAllocator allocator = new ScarceAllocator();
    private final EmbeddedChannel channel = new EmbeddedChannel();

    @Test
    void outOfMemoryWhileAnsweringLeavesNoSession() throws Exception {
        channel.config().setAllocator(allocator);
        WebSocketChannel webSocket = webSocket();
        channel.pipeline().addLast(webSocket, webSocket.inbound());
        allocator.exhausted = true;

        CompletableFuture<@Nullable Throwable> thrown = new CompletableFuture<>();
        vertx.getOrCreateContext().runOnContext(x -> {
            try {
                sessions.open(socket(), webSocket, Dialect.V1, null, TestAuthorizers.identity("unlucky"), null);
                thrown.complete(null);
            } catch (Throwable e) {
                thrown.complete(e);
            }
        });

        assertThat(thrown.get(60, TimeUnit.SECONDS)).isInstanceOf(OutOfMemoryError.class);
        await().atMost(60, TimeUnit.SECONDS).untilAsserted(() -> {
            assertThat(channel.isOpen()).isFalse();
            assertThat(sessions.open()).isEmpty();
            assertThat(registry.present()).doesNotContain("unlucky");
        });
    }

    private WebSocketChannel webSocket() {
        SimpleMeterRegistry metrics = new SimpleMeterRegistry();
        FrameRate rate = new FrameRate(50, 512, System::nanoTime, metrics);
        InboundBudget budget = new InboundBudget(64 * 1024, 1024 * 1024, 32 * 1024, 64 * 1024, metrics);
        return new WebSocketChannel(
                channel,
                new ConnectionSlots(1, 1, 1, metrics),
                new Inbound(channel, rate, budget, new TurnScheduler(Runnable::run)));
    }

    private static ServerWebSocket socket() {
        return (ServerWebSocket) Proxy.newProxyInstance(
                SessionRegistryTest.class.getClassLoader(),
                new Class<?>[] {ServerWebSocket.class},
                (proxy, method, x) -> switch (method.getName()) {
                    case "isClosed" -> true;
                    default -> throw new UnsupportedOperationException(method.getName());
                });
    }
}
