package dev.sluice.operate;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.sluice.fleet.Pods;
import org.jspecify.annotations.Nullable;

/**
 * The result of disconnecting a user.
 *
 * @param scope {@code pod} if only this pod disconnected the user, {@code fleet} if all pods were asked to
 * @param user the user's name
 * @param closed the number of closed connections on the pods that answered
 * @param receivers the number of pods that received the request from Redis, including this one; absent for scope {@code
 *     pod}
 * @param pods which pods answered; absent for scope {@code pod}
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record Disconnection(
        String scope,
        String user,
        long closed,
        @Nullable Long receivers,
        @Nullable Pods pods) {}
