package dev.sluice.access;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.config.WebhookConfig;
import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.mutiny.Uni;
import java.math.BigInteger;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class WebhookCacheTest {

    @Test
    void cancelledWaiterDoesNotCancelTheOthers() {
        WebhookCache<String> answers = new WebhookCache<>(new Config());
        CompletableFuture<Boolean> backend = new CompletableFuture<>();
        Uni<Boolean> asked = Uni.createFrom().completionStage(backend);
        CompletableFuture<Boolean> one = answers.ask("question", () -> asked).subscribeAsCompletionStage();
        CompletableFuture<Boolean> two = answers.ask("question", () -> asked).subscribeAsCompletionStage();
        one.cancel(true);
        assertThat(two).isNotDone();
        backend.complete(true);
        assertThat(two).isCompletedWithValue(true);
        assertThat(answers.known("question")).isTrue();
    }

    private static final class Config implements WebhookConfig {
        @Override
        public Optional<URI> url() {
            return Optional.empty();
        }

        @Override
        public Optional<URI> connectUrl() {
            return Optional.empty();
        }

        @Override
        public MemorySize connectTokenBytes() {
            return new MemorySize(BigInteger.ZERO);
        }

        @Override
        public Duration timeout() {
            return Duration.ofSeconds(1);
        }

        @Override
        public int concurrency() {
            return 1;
        }

        @Override
        public Duration cache() {
            return Duration.ofMinutes(1);
        }

        @Override
        public long cacheSize() {
            return 10;
        }
    }
}
