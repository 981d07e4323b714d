package dev.sluice.console;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The identity of this pod and the state of its feed.
 *
 * @param pod the pod's name
 * @param since when the pod started
 * @param redis the address of its Redis
 * @param live since when the feed is live; absent while it is not
 * @param gap the last gap; absent if there was none
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
     * A period of time.
     *
     * @param until absent while it lasts
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Stretch(Instant since, @Nullable Instant until) {}
}
