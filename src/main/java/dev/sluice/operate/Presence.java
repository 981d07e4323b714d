package dev.sluice.operate;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.sluice.fleet.Pods;
import java.time.Instant;
import java.util.List;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.jspecify.annotations.Nullable;

/**
 * A user's connections.
 *
 * @param scope {@code fleet}, or {@code pod} if only this pod was asked
 * @param user the user's name
 * @param connections the oldest of a pod first
 * @param cut whether a pod left out some, because its answer would be too long
 * @param pods which pods answered; absent for scope {@code pod}
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record Presence(
        String scope,
        String user,
        List<One> connections,
        @JsonInclude(JsonInclude.Include.NON_DEFAULT) boolean cut,
        @Nullable Pods pods) {

    /**
     * One connection.
     *
     * @param pod the pod's name
     * @param since the time of authentication
     * @param channels channels that it receives
     * @param cut whether it receives more
     */
    @Schema(name = "Connection")
    record One(
            String pod,
            Instant since,
            List<String> channels,
            @JsonInclude(JsonInclude.Include.NON_DEFAULT) boolean cut) {}
}
