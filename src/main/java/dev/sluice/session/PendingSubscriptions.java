package dev.sluice.session;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.route.Channel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The undecided subscribe requests of one client. Confined to the connection's event loop. */
final class PendingSubscriptions {

    /** The maximum characters of the ids of pending requests. */
    static final int MAX_ID_CHARACTERS = 16 * 1024;

    /**
     * A request to subscribe to one channel.
     *
     * @param retained whether the retained publication is wanted as well
     * @param id the client's own, which goes back with the answer
     * @param joint the channels that are answered with it; {@code null} where each is answered by itself
     */
    record Request(
            boolean retained,
            @Nullable JsonNode id,
            @Nullable JointRequest joint) {
        int idCharacters() {
            return id == null ? 0 : id.asText().length();
        }
    }

    private final Map<Channel, List<Request>> byChannel = new HashMap<>();
    private int count;
    private int idCharacters;

    int count() {
        return count;
    }

    /** Those of the requests whose channels are answered together. */
    List<Request> joint() {
        return byChannel.values().stream()
                .flatMap(List::stream)
                .filter(request -> request.joint() != null)
                .distinct()
                .toList();
    }

    /** Whether there is room for the id of another request. */
    boolean hasRoomFor(Request request) {
        return idCharacters + request.idCharacters() <= MAX_ID_CHARACTERS;
    }

    /** Adds a request; returns whether it is the first for the channel. */
    boolean add(Channel channel, Request request) {
        List<Request> waiting = byChannel.computeIfAbsent(channel, x -> new ArrayList<>(1));
        waiting.add(request);
        count++;
        idCharacters += request.idCharacters();
        return waiting.size() == 1;
    }

    /** Removes and returns the requests for the channel. */
    List<Request> remove(Channel channel) {
        List<Request> waiting = byChannel.remove(channel);
        if (waiting == null) {
            return List.of();
        }
        count -= waiting.size();
        waiting.forEach(request -> idCharacters -= request.idCharacters());
        return waiting;
    }
}
