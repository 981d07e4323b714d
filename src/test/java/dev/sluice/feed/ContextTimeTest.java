package dev.sluice.feed;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ContextTimeTest {

    @Test
    void actionWithoutDelayRuns() {
        Vertx vertx = Vertx.vertx();
        try {
            CompletableFuture<String> thread = new CompletableFuture<>();
            new ContextTime(vertx, vertx.getOrCreateContext())
                    .after(
                            Duration.ZERO,
                            () -> thread.complete(Thread.currentThread().getName()));
            assertThat(thread.orTimeout(60, TimeUnit.SECONDS).join()).contains("eventloop");
        } finally {
            vertx.close().toCompletionStage().toCompletableFuture().join();
        }
    }
}
