package dev.sluice.operate;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.sluice.fleet.Pods;
import org.jspecify.annotations.Nullable;

/**
 * Whether a user is connected.
 *
 * @param scope {@code fleet}, or {@code pod} if only this pod is counted
 * @param user the user's name
 * @param online whether the user has a connection; if not and a pod is missing, the user may be connected to that one
 * @param connections the number of connections
 * @param pods which pods answered; absent for scope {@code pod}
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record Online(
        String scope,
        String user,
        boolean online,
        long connections,
        @Nullable Pods pods) {}
