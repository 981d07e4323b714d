package dev.sluice.operate;

import com.fasterxml.jackson.annotation.JsonInclude;
import org.jspecify.annotations.Nullable;

/**
 * The result of disconnecting a user.
 *
 * @param scope {@code pod} if only this pod disconnected the user, {@code fleet} if all pods were asked to
 * @param user the user's name
 * @param closed the number of closed connections on this pod
 * @param receivers the number of pods that received the request from Redis, including this one; absent for scope {@code
 *     pod}
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record Disconnection(
        String scope, String user, int closed, @Nullable Long receivers) {}
