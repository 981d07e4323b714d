package dev.sluice.access;

import com.github.benmanes.caffeine.cache.AsyncCache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.sluice.config.WebhookConfig;
import io.smallrye.mutiny.Uni;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Caches the answers of a backend, but no failures. Simultaneous equal questions share one answer.
 *
 * @param <Q> the key of a question; kept with the answer, so its size must be bounded
 */
final class WebhookCache<Q> {

    private final AsyncCache<Q, Boolean> answers;

    WebhookCache(WebhookConfig config) {
        answers = Caffeine.newBuilder()
                .expireAfterWrite(config.cache())
                .maximumSize(config.cacheSize())
                .buildAsync();
    }

    /** Returns the cached answer; {@code null} if there is none. */
    @Nullable
    Boolean known(Q question) {
        CompletableFuture<Boolean> answer = answers.getIfPresent(question);
        return (answer == null || answer.isCompletedExceptionally()) ? null : answer.getNow(null);
    }

    /** Returns the cached or current answer, or else asks the backend. */
    Uni<Boolean> ask(Q question, Supplier<Uni<Boolean>> backend) {
        return Uni.createFrom()
                .completionStage(
                        answers.get(question, (key, executor) -> backend.get().subscribeAsCompletionStage())
                                // A client that leaves cancels only its copy.
                                .copy());
    }
}
