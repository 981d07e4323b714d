package dev.sluice.protocol;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.clock.Position;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Payload;
import dev.sluice.route.Channel;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A dialect whose clients keep a position for each channel. What they missed is part of the answer; they subscribe again by
 * themselves when a subscription is ended because publications may be lost.
 */
public interface ChannelDialect extends Dialect {

    /** The subscriptions have ended, and the user's own channels begin anew, because publications may be lost. */
    Frame restarted(List<Channel> ended, Map<Channel, Start> own);

    /**
     * What the history has of a channel.
     *
     * @param top everything up to it was searched; {@code null} where this pod can't name positions
     */
    Frame history(List<Payload> publications, @Nullable Position top, JsonNode id);

    /** Who hears a channel: the users by the ids of their connections. */
    Frame presence(Map<String, String> users, JsonNode id);

    /**
     * The number of publications that could not be sent to clients, because the payload is no text; counted at least once for
     * each event loop that has receivers. Thread-safe.
     */
    long binary();

    /** How many hear a channel. */
    Frame presenceStats(int connections, int users, JsonNode id);
}
