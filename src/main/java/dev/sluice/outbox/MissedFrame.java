package dev.sluice.outbox;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.sluice.route.Channel;

/** The message that states how many publications of a channel a slow client has missed. */
final class MissedFrame {

    /** Everything except the name, in which one byte may become six characters. */
    private static final int LONGEST = "{'action':'missed','channel':'','count':-2147483648}".length();

    private MissedFrame() {}

    /** Returns the highest cost for any number of missed publications, in bytes of memory. */
    static int maxCost(Channel channel) {
        return Frame.encodedLength(LONGEST + 6 * channel.length()) + Frame.OVERHEAD;
    }

    static Frame of(Channel channel, int count) {
        return Frame.text(JsonNodeFactory.instance
                .objectNode()
                .put("action", "missed")
                .put("channel", channel.name())
                .put("count", count)
                .toString());
    }
}
