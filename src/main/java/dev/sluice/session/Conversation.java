package dev.sluice.session;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.access.AuthenticatedUser;
import dev.sluice.feed.Gap;
import dev.sluice.outbox.Frame;
import dev.sluice.registry.Connection;
import dev.sluice.route.Channel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A connection and what is known of its client: who it is, what it has been told and what it waits for. Confined to the
 * connection's loop.
 */
final class Conversation {

    private final Connection connection;
    private AuthenticatedUser identity;
    private boolean refreshing;
    private @Nullable Gap told;

    /**
     * A request to subscribe to one channel.
     *
     * @param retained whether the retained publication is wanted as well
     * @param id the client's own, which goes back with the answer
     */
    record Request(boolean retained, @Nullable JsonNode id) {
        int idCharacters() {
            return id == null ? 0 : id.asText().length();
        }
    }

    /** How many characters the ids of undecided requests may have together. */
    static final int MAX_ID_CHARACTERS = 16 * 1024;

    /** Those requests to subscribe that are not decided yet; most clients never have one. */
    private @Nullable Map<Channel, List<Request>> undecided;

    private int requests;
    private int idCharacters;

    /** One in which nothing has been said. */
    Conversation(Connection connection, AuthenticatedUser identity) {
        this.connection = connection;
        this.identity = identity;
    }

    Connection connection() {
        return connection;
    }

    AuthenticatedUser identity() {
        return identity;
    }

    void send(Frame frame) {
        connection.send(frame);
    }

    /** Runs a task on the connection's loop. May be called on any thread. */
    void run(Runnable task) {
        connection.loop().execute(task);
    }

    /** Takes down that a token is being looked at; false where one is already. */
    boolean beginRefresh() {
        boolean first = !refreshing;
        refreshing = true;
        return first;
    }

    void endRefresh() {
        refreshing = false;
    }

    /** From now on another token of the same user counts. */
    void renew(AuthenticatedUser renewed) {
        identity = renewed;
    }

    /** How many requests to subscribe are not decided yet. */
    int undecided() {
        return requests;
    }

    /** Whether the id of another request may wait, besides those of the undecided ones. */
    boolean hasRoomFor(Request request) {
        return idCharacters + request.idCharacters() <= MAX_ID_CHARACTERS;
    }

    /** Takes down a request to subscribe that is not decided yet; whether it is the first for the channel. */
    boolean await(Channel channel, Request request) {
        if (undecided == null) {
            undecided = new HashMap<>();
        }
        List<Request> waiting = undecided.computeIfAbsent(channel, x -> new ArrayList<>(1));
        waiting.add(request);
        requests++;
        idCharacters += request.idCharacters();
        return waiting.size() == 1;
    }

    /** The requests for the channel that were not decided yet; they no longer wait. */
    List<Request> settle(Channel channel) {
        List<Request> waiting = undecided == null ? null : undecided.remove(channel);
        if (waiting == null) {
            return List.of();
        }
        requests -= waiting.size();
        waiting.forEach(request -> idCharacters -= request.idCharacters());
        return waiting;
    }

    /**
     * Tells of an interruption, once when it begins and once when it is over.
     *
     * @param notice says so
     */
    void tell(Gap gap, Frame notice) {
        if (gap.open()) {
            // One that has been admitted meanwhile may know of a later one already.
            if (told == null || gap.since().isAfter(told.since())) {
                told = gap;
                send(notice);
            }
        } else if (told != null && told.since().equals(gap.since())) {
            told = null;
            send(notice);
        }
    }
}
