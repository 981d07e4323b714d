package dev.sluice.protocol;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.clock.EntryId;
import dev.sluice.clock.Era;
import dev.sluice.clock.Position;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.PublicationBatch;
import dev.sluice.route.Channel;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The messages of {@link V1}, with positions. */
final class V2 extends V1 {

    /** Most publications follow the tick that the one before follows. */
    private volatile @Nullable Tick lastTick;

    /**
     * What headers share between two ticks.
     *
     * @param before the text of a position before its offset
     * @param behind the rest of the header after the offset
     */
    private record Tick(Era era, int nonce, String before, String behind) {}

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
    public Frame presence(PresentUsers present, @Nullable JsonNode id) {
        ObjectNode answer = action("presence").put("channel", present.channel()).put("scope", present.scope());
        if (present.connections() != null) {
            answer.put("connections", present.connections());
        }
        answer.put("count", present.users());
        ArrayNode users = answer.putArray("users");
        present.names().forEach(users::add);
        return frame(answer.put("complete", present.complete()), id);
    }

    @Override
    public Frame presenceChanged(Channel channel, String user, boolean joined) {
        ObjectNode event = action(joined ? "join" : "leave").put("channel", channel.name());
        return frame(event.put("user", user), null);
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
    public int overhead(Channel channel, Payload payload) {
        return PublicationBatch.maxHeader(channel);
    }

    @Override
    public byte[] encode(Channel channel, Payload payload, boolean complete) {
        Position position = payload.position();
        String header;
        EntryId id = payload.id();
        if (id != null) {
            header = "{\"channel\":\"" + quoted(channel.name()) + "\",\"id\":\"" + id + "\"}\n";
        } else if (position == null || !position.isOfAll()) {
            header = "{\"channel\":\"" + quoted(channel.name()) + "\"}\n";
        } else if (position.point() != null) {
            header = "{\"channel\":\"" + quoted(channel.name()) + (complete ? "\",\"at\":\"" : "\",\"pos\":\"")
                    + position.ofPublication() + "\"}\n";
        } else {
            Tick tick = tick(position);
            header = "{\"channel\":\"" + quoted(channel.name()) + (complete ? "\",\"at\":\"" : "\",\"pos\":\"")
                    + tick.before + position.offset() + tick.behind;
        }
        byte[] first = header.getBytes(StandardCharsets.UTF_8);
        byte[] message = Arrays.copyOf(first, first.length + payload.bytes().length);
        System.arraycopy(payload.bytes(), 0, message, first.length, payload.bytes().length);
        return message;
    }

    private Tick tick(Position position) {
        Tick tick = lastTick;
        if (tick == null || tick.nonce != position.nonce() || !tick.era.equals(position.era())) {
            tick = new Tick(
                    position.era(),
                    position.nonce(),
                    position.era() + ".",
                    "." + Integer.toHexString(position.nonce()) + "\"}\n");
            lastTick = tick;
        }
        return tick;
    }

    private static String quoted(String name) {
        for (int i = 0; i < name.length(); i++) {
            char next = name.charAt(i);
            if (next < ' ' || next == '"' || next == '\\') {
                return String.valueOf(JsonStringEncoder.getInstance().quoteAsString(name));
            }
        }
        return name;
    }

    @Override
    ObjectNode positioned(ObjectNode answer, Start start) {
        Boolean recovered = start.recovered();
        if (recovered != null) {
            answer.put("recovered", recovered);
        }
        EntryId entry = start.entry();
        if (entry != null) {
            return answer.put("at", entry.position().toString());
        }
        Position at = start.at();
        // Publications that are recovered have not been sent yet, so no later position is valid.
        if (at != null && !Boolean.TRUE.equals(recovered)) {
            answer.put("at", at.toString());
        }
        if (!start.entries().isEmpty() && !Boolean.TRUE.equals(recovered)) {
            ObjectNode ids = answer.putObject("ids");
            start.entries()
                    .forEach((channel, id) ->
                            ids.put(channel.name(), id.position().toString()));
        }
        return answer;
    }
}
