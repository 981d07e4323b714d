package dev.sluice.console;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What this pod is, and what it is connected to.
 *
 * @param pod its name
 * @param since when it started
 * @param redis where the Redis is that it listens to
 * @param live since when it hears it; absent while it does not
 * @param gap the last interruption; absent where there has been none
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record PodInfo(
        String pod,
        String version,
        Instant since,
        String redis,
        @Nullable Instant live,
        @Nullable Stretch gap) {

    /**
     * A stretch of time.
     *
     * @param until absent while it lasts
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Stretch(Instant since, @Nullable Instant until) {}
}
