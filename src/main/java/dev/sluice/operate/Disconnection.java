package dev.sluice.operate;

import com.fasterxml.jackson.annotation.JsonInclude;
import org.jspecify.annotations.Nullable;

/**
 * A user was disconnected.
 *
 * @param scope how far that reached: this {@code pod}, or the whole {@code fleet}
 * @param user whose connections were closed
 * @param closed how many of them, on this pod
 * @param receivers how many pods Redis has passed it on to, this one among them; for the fleet only
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record Disconnection(
        String scope, String user, int closed, @Nullable Long receivers) {}
