package dev.sluice.protocol;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.clock.Position;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Payload;
import dev.sluice.route.Channel;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The messages of {@link V1}, with positions. */
final class V2 extends V1 {

    @Override
    public String tag() {
        return "v2";
    }

    @Override
    public String subprotocol() {
        return "sluice.v2";
    }

    @Override
    public boolean positioned() {
        return true;
    }

    @Override
    public Frame mark(Position at) {
        return frame(action("mark").put("at", at.toString()), null);
    }

    @Override
    public boolean addsHeader() {
        return true;
    }

    @Override
    public byte[] encode(Channel channel, Payload payload, boolean complete) {
        StringBuilder header = new StringBuilder(128).append("{\"channel\":\"");
        JsonStringEncoder.getInstance().quoteAsString(channel.name(), header);
        Position position = payload.position();
        if (position != null) {
            header.append(complete ? "\",\"at\":\"" : "\",\"pos\":\"").append(position);
        }
        byte[] first = header.append("\"}\n").toString().getBytes(StandardCharsets.UTF_8);
        byte[] message = Arrays.copyOf(first, first.length + payload.bytes().length);
        System.arraycopy(payload.bytes(), 0, message, first.length, payload.bytes().length);
        return message;
    }

    @Override
    ObjectNode positioned(ObjectNode answer, @Nullable Boolean recovered, @Nullable Position at) {
        if (recovered != null) {
            answer.put("recovered", recovered);
        }
        // Before what is recovered has been sent, nothing can be said of what comes after it.
        return at == null || Boolean.TRUE.equals(recovered) ? answer : answer.put("at", at.toString());
    }
}
