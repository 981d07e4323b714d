package dev.sluice.trace;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.fleet.Pods;
import java.util.List;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
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
     * @param trace the user's {@code connections}; the channel's newest {@code publications} first, and what became of
     *     each {@code to} each connection; when the user was {@code refused} the channel; the pod's {@code gaps}
     */
    record PodTrace(
            String pod,

            @Schema(type = SchemaType.OBJECT, implementation = Object.class)
            JsonNode trace) {}
}
