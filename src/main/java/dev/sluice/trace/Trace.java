package dev.sluice.trace;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.fleet.Pods;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.jspecify.annotations.Nullable;

/**
 * What the pods know of a channel's recent publications and a user's connections.
 *
 * @param scope {@code fleet}, or {@code pod} if only this pod was asked
 * @param traces of each pod
 * @param pods which pods answered; absent for scope {@code pod}
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record Trace(
        String scope,
        String user,
        String channel,
        List<PodTrace> traces,
        @Nullable Pods pods) {

    /**
     * What one pod knows.
     *
     * @param trace the JSON of a {@link TraceContent}, unread, because a pod of another version may have written it
     */
    record PodTrace(
            String pod,
            @Schema(implementation = TraceContent.class) JsonNode trace) {}

    /**
     * Describes the answer of {@link TraceResponder} for the OpenAPI document.
     *
     * @param connections the user's, also some that have ended
     * @param refused when the user was refused the channel
     * @param gaps when the pod may have missed publications
     * @param publications the channel's newest first
     * @param cut whether a list is incomplete
     */
    record TraceContent(
            List<TracedConnection> connections,
            List<TracedRefusal> refused,
            List<RecentGaps.Period> gaps,

            @Schema(enumeration = {"on", "off", "unavailable", "no_route"})
            String history,

            List<TracedPublication> publications,
            boolean cut) {}

    /**
     * A connection.
     *
     * @param subscribed since when it is subscribed to the channel
     * @param allowed false if its token does not allow the channel
     * @param waitingBytes what its client has not read
     * @param until when it ended
     * @param reason why it ended
     */
    record TracedConnection(
            String id,
            String protocol,
            Instant since,
            Instant subscribed,
            boolean allowed,
            long waitingBytes,
            Instant until,
            String reason) {}

    /** A refused subscription. */
    record TracedRefusal(Instant at) {}

    /**
     * A publication.
     *
     * @param to what became of it, by the id of the connection
     */
    record TracedPublication(Instant at, int bytes, String position, Map<String, String> to) {}
}
