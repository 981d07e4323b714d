package dev.sluice.fleet;

import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Who listens to a channel.
 *
 * @param connections the number of connections
 * @param users the number of their users; a user who listens on two pods may count twice if {@code cut}
 * @param names the users' names; empty if the connections were asked for
 * @param clients the users' names by the ids of their connections; empty if the users were asked for
 * @param cut whether names are left out
 * @param scope see {@link Answers#scope}
 * @param pods which pods answered; {@code null} if only this one was asked
 */
public record Listeners(
        long connections,
        long users,
        Set<String> names,
        Map<String, String> clients,
        boolean cut,
        String scope,
        @Nullable Pods pods) {

    /** Whether every pod has answered, and with all names; not if only this pod was asked, because there may be others. */
    public boolean complete() {
        return !cut && pods != null && pods.complete();
    }
}
