package dev.sluice.operate;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.sluice.fleet.Pods;
import org.jspecify.annotations.Nullable;

/**
 * The number of a channel's subscribers.
 *
 * @param scope {@code fleet}, or {@code pod} if only this pod is counted
 * @param channel the channel's name
 * @param connections the number of subscribed connections
 * @param users the number of their users; a user on two pods may count twice if a pod has hundreds
 * @param pods which pods answered; absent for scope {@code pod}
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record ChannelAudience(
        String scope,
        String channel,
        long connections,
        long users,
        @Nullable Pods pods) {}
