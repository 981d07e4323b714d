package dev.sluice.console;

import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import dev.sluice.route.Channel;
import dev.sluice.route.Routes;
import jakarta.annotation.security.RolesAllowed;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.stream.Collectors;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.jboss.resteasy.reactive.RestQuery;

/** Searches the users who are connected to this pod, page by page. */
@Path("/api/console/users")
@RolesAllowed("operator")
@Produces(MediaType.APPLICATION_JSON)
public final class Search {

    private static final int PAGE = 20;
    private static final int CHANNELS = 4;

    private final Registry registry;
    private final Routes routes;

    Search(Registry registry, Routes routes) {
        this.registry = registry;
        this.routes = routes;
    }

    /**
     * Returns matching users, ordered by name.
     *
     * @param text a part of the user's name, or a channel the user receives
     * @param after the last user of the previous page
     */
    @GET
    @Operation(hidden = true)
    public UserPage find(@RestQuery @DefaultValue("") String text, @RestQuery @DefaultValue("") String after) {
        String part = text.toLowerCase(Locale.ROOT);
        Set<String> listening = listening(text);
        // The users of this page and one more, in reverse order.
        PriorityQueue<String> first = new PriorityQueue<>(PAGE + 2, Comparator.reverseOrder());
        int total = 0;
        for (String user : registry.present()) {
            if (user.toLowerCase(Locale.ROOT).contains(part) || listening.contains(user)) {
                total++;
                if (user.compareTo(after) > 0) {
                    first.add(user);
                    if (first.size() > PAGE + 1) {
                        first.remove();
                    }
                }
            }
        }
        List<String> page = first.stream().sorted().limit(PAGE).toList();
        return new UserPage(
                total,
                page.stream().flatMap(user -> found(user).stream()).toList(),
                first.size() > PAGE ? page.get(PAGE - 1) : null);
    }

    private Set<String> listening(String channelName) {
        Channel channel = routes.resolve(channelName);
        return channel == null
                ? Set.of()
                : registry.hearing(channel).stream().map(Connection::user).collect(Collectors.toSet());
    }

    /** Returns one element, or none if the user has disconnected meanwhile. */
    private List<UserPage.User> found(String user) {
        Map<Connection, List<Channel>> connections = registry.connections(user);
        if (connections.isEmpty()) {
            return List.of();
        }
        List<String> channels = connections.values().stream()
                .flatMap(List::stream)
                .map(Channel::name)
                .distinct()
                .toList();
        Instant since = connections.keySet().stream()
                .map(Connection::since)
                .min(Comparator.naturalOrder())
                .orElseThrow();
        return List.of(new UserPage.User(
                user,
                connections.size(),
                since,
                channels.stream().limit(CHANNELS).toList(),
                channels.size()));
    }
}
