package dev.sluice.outbox;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.sluice.route.Channel;

/** Tells a client how many publications of a channel it has missed because it was too slow. */
final class MissedFrame {

    /** Everything but the name, of which one byte may become six characters. */
    private static final int LONGEST = "{'action':'missed','channel':'','count':-2147483648}".length();

    private MissedFrame() {}

    /** What it costs at most, however many were missed, in bytes of memory. */
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
