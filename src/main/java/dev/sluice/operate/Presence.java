package dev.sluice.operate;

import java.time.Instant;
import java.util.List;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

/**
 * A user's connections.
 *
 * @param scope how far we look: this {@code pod}
 * @param user whose
 * @param connections in the order in which they came
 */
record Presence(String scope, String user, List<One> connections) {

    /**
     * One of them.
     *
     * @param since when it was authenticated
     * @param channels what it hears
     */
    @Schema(name = "Connection")
    record One(Instant since, List<String> channels) {}
}
