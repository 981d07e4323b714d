package dev.sluice.outbox;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.sluice.route.Channel;

/** Tells a client how many publications of a channel it has missed because it was too slow. */
final class MissedFrame {

    private MissedFrame() {}

    static Frame of(Channel channel, int count) {
        return Frame.text(JsonNodeFactory.instance
                .objectNode()
                .put("action", "missed")
                .put("channel", channel.name())
                .put("count", count)
                .toString());
    }
}
