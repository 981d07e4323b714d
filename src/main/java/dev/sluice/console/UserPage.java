package dev.sluice.console;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A page of the users who are connected to this pod.
 *
 * @param total the number of matching users, on all pages
 * @param next the value of {@code after} for the next page; absent on the last page
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record UserPage(int total, List<User> users, @Nullable String next) {

    /**
     * A connected user.
     *
     * @param connections the number of connections
     * @param since when the oldest connection was authenticated
     * @param channels some of the user's channels
     * @param hears the number of the user's channels
     */
    record User(String user, int connections, Instant since, List<String> channels, int hears) {}
}
