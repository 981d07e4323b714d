package dev.sluice.operate;

import java.time.Instant;
import java.util.List;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

/**
 * A user's connections.
 *
 * @param scope always {@code pod}: only connections to this pod
 * @param user the user's name
 * @param connections the oldest first
 */
record Presence(String scope, String user, List<One> connections) {

    /**
     * One connection.
     *
     * @param since the time of authentication
     * @param channels the channels that it receives
     */
    @Schema(name = "Connection")
    record One(Instant since, List<String> channels) {}
}
