package dev.sluice.console;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A page of the users who are connected to this pod.
 *
 * @param total how many users were looked for, on all pages
 * @param next the next page's users come after this; absent where there are no more
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record UserPage(int total, List<User> users, @Nullable String next) {

    /**
     * One of them.
     *
     * @param connections how many
     * @param since when the oldest was authenticated
     * @param channels some of those that they hear
     * @param hears how many these are in all
     */
    record User(String user, int connections, Instant since, List<String> channels, int hears) {}
}
