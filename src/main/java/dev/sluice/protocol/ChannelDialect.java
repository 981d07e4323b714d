package dev.sluice.protocol;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.clock.EntryId;
import dev.sluice.clock.Position;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Payload;
import dev.sluice.route.Channel;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A dialect whose clients keep a position for each channel. The answer to a subscription contains the publications that the
 * client missed. If publications may be lost, Sluice ends the subscription, and the client subscribes again by itself.
 */
public interface ChannelDialect extends Dialect {

    /** The subscriptions have ended, and the user's own channels start again, because publications may be lost. */
    Frame restarted(List<Channel> ended, Map<Channel, Start> own);

    /** The subscription has ended, and the client is to subscribe again without a position, because entries may be lost. */
    Frame invalidated(Channel channel);

    /** Whether the client can name the entry as the last one that it has. */
    boolean canName(EntryId entry);

    /**
     * The publications of a channel in the history.
     *
     * @param top everything up to it was searched; {@code null} if this pod has no positions
     */
    Frame history(List<Payload> publications, @Nullable Position top, JsonNode id);

    /** The users who receive a channel, by the ids of their connections. */
    Frame presence(Map<String, String> users, @Nullable JsonNode id);

    /**
     * The number of publications that could not be sent to clients, because the payload is no text; counted at least once for
     * each event loop that has receivers. Thread-safe.
     */
    long binary();

    /** The number of connections and users that receive a channel. */
    Frame presenceStats(long connections, long users, @Nullable JsonNode id);
}
