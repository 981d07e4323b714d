package dev.sluice.access;

import com.github.benmanes.caffeine.cache.AsyncCache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.sluice.config.WebhookConfig;
import io.smallrye.mutiny.Uni;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What a backend has answered, for a while; a failure is not kept. Those who ask the same at once share the answer.
 *
 * @param <Q> what tells one question from another; kept with the answer, so its size must be bounded
 */
final class WebhookCache<Q> {

    private final AsyncCache<Q, Boolean> kept;

    WebhookCache(WebhookConfig config) {
        kept = Caffeine.newBuilder()
                .expireAfterWrite(config.cache())
                .maximumSize(config.cacheSize())
                .buildAsync();
    }

    /** The answer that is kept; {@code null} where there is none. */
    @Nullable
    Boolean known(Q question) {
        CompletableFuture<Boolean> answer = kept.getIfPresent(question);
        return (answer == null || answer.isCompletedExceptionally()) ? null : answer.getNow(null);
    }

    /** The answer that is kept or under way, else that of the backend. */
    Uni<Boolean> ask(Q question, Supplier<Uni<Boolean>> backend) {
        return Uni.createFrom()
                .completionStage(
                        kept.get(question, (key, executor) -> backend.get().subscribeAsCompletionStage())
                                // Who goes away cancels its copy, not what others wait for.
                                .copy());
    }
}
