package dev.sluice.access;

import com.github.benmanes.caffeine.cache.AsyncCache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.smallrye.mutiny.Uni;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What a backend has answered, for a while; a failure is not kept. Those who ask the same at once share the answer. */
final class Answers {

    /**
     * Whether somebody may listen.
     *
     * @param user who
     * @param channel to what
     */
    record Question(String user, String channel) {}

    private final AsyncCache<Question, Boolean> kept;

    Answers(AccessConfig.Webhook config) {
        if (config.cache().isNegative() || config.cacheSize() < 0) {
            throw new ConfigurationException("sluice.webhook.cache and cache-size must not be negative, are "
                    + config.cache() + " and " + config.cacheSize());
        }
        kept = Caffeine.newBuilder()
                .expireAfterWrite(config.cache())
                .maximumSize(config.cacheSize())
                .buildAsync();
    }

    /** The answer that is kept; {@code null} where there is none. */
    @Nullable
    Boolean known(Question question) {
        CompletableFuture<Boolean> answer = kept.getIfPresent(question);
        return (answer == null || answer.isCompletedExceptionally()) ? null : answer.getNow(null);
    }

    /** The answer that is kept or under way, else that of the backend. */
    Uni<Boolean> ask(Question question, Supplier<Uni<Boolean>> backend) {
        return Uni.createFrom()
                .completionStage(
                        kept.get(question, (key, executor) -> backend.get().subscribeAsCompletionStage()));
    }
}
