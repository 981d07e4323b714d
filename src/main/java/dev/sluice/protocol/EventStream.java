package dev.sluice.protocol;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.clock.Position;
import dev.sluice.outbox.Close;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Payload;
import dev.sluice.route.Channel;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * Server-sent events (WHATWG HTML, 9.2). Positions are the events' ids. Sluice's own messages are those of {@link V1},
 * with the event type {@code sluice}. Clients send no messages.
 */
final class EventStream extends V1 {

    /** The most bytes of an event besides its data and name: field names, a position, line feeds, and a chunk's delimiters. */
    private static final int LONGEST_FIELDS = "id: .event: ..".length() + 96 + 16;

    private static final int MAX_RETRY_MILLIS = 5_000;

    /** After a disconnect by an operator clients should not reconnect soon, but browsers always reconnect. */
    private static final int MAX_RETRY_MILLIS_OPERATOR = 120_000;

    private static final byte[] DATA = ascii("data: ");
    private static final byte[] BINARY = ascii("event: binary\n");
    private static final byte[] NAME = ascii("event: ");
    private static final byte[] NOTHING = {};

    /** A comment, which clients ignore. */
    private static final List<Frame> HEARTBEAT = List.of(Frame.text(":\n\n"));

    private final boolean named;

    /**
     * Creates the format.
     *
     * @param named whether publications have the name of their channel as event type
     */
    EventStream(boolean named) {
        this.named = named;
    }

    @Override
    public String tag() {
        return "sse";
    }

    @Override
    public @Nullable String subprotocol() {
        return null;
    }

    @Override
    public boolean positioned() {
        return true;
    }

    @Override
    public List<ClientMessage> parse(String text) {
        throw new UnsupportedOperationException();
    }

    /** The first event. It has no id; the position, if there is one, follows. */
    @Override
    public Frame authSuccess(Welcome welcome, @Nullable JsonNode id) {
        ObjectNode answer = action("subscribed");
        ArrayNode channels = answer.putArray("channels");
        welcome.channels().forEach(channel -> channels.add(channel.name()));
        Boolean recovered = welcome.start().recovered();
        if (recovered != null) {
            answer.put("recovered", recovered);
        }
        Position at = welcome.start().at();
        // The client reconnects after that time, also if this pod is killed.
        String first = retry(MAX_RETRY_MILLIS) + event(answer);
        boolean resumes = Boolean.TRUE.equals(recovered);
        return new Frame.Mark(
                utf8(first),
                at == null || resumes ? NOTHING : ascii(position(at)),
                resumes ? welcome.start().since() : at,
                welcome.start().entries());
    }

    @Override
    public Frame mark(Position at) {
        return new Frame.Mark(NOTHING, ascii(position(at)), at, Map.of());
    }

    @Override
    public List<Frame> heartbeat() {
        return HEARTBEAT;
    }

    @Override
    public boolean answersHeartbeats() {
        return false;
    }

    @Override
    public Close closeFor(Disconnect reason) {
        return ending(
                super.closeFor(reason), reason == Disconnect.OPERATOR ? MAX_RETRY_MILLIS_OPERATOR : MAX_RETRY_MILLIS);
    }

    @Override
    public Close closeFor(Refusal reason, String message) {
        return ending(super.closeFor(reason, message), MAX_RETRY_MILLIS);
    }

    @Override
    public Close closeUntilLater(String message) {
        return ending(super.closeUntilLater(message), MAX_RETRY_MILLIS);
    }

    private static Close ending(Close how, int maxRetry) {
        ObjectNode close = action("close").put("code", how.code()).put("reason", how.reason());
        return new Close(how.code(), how.reason(), Frame.text(retry(maxRetry) + event(close)));
    }

    @Override
    public boolean addsHeader() {
        return true;
    }

    @Override
    public int overhead(Channel channel, Payload payload) {
        int length = payload.bytes().length;
        // A byte of the name may become a replacement character.
        int fields = LONGEST_FIELDS + (named ? 3 * channel.length() : 0);
        return fields
                + (payload.text()
                        ? (1 + lines(payload.bytes())) * DATA.length
                        : BINARY.length + DATA.length + (length + 2) / 3 * 4 - length);
    }

    @Override
    public byte[] encode(Channel channel, Payload payload, boolean complete) {
        Position position = payload.position();
        byte[] id = position == null || !position.isOfAll() || !complete ? NOTHING : ascii("id: " + position + "\n");
        byte[] type = payload.text() ? name(channel) : BINARY;
        byte[] data = payload.text() ? payload.bytes() : Base64.getEncoder().encode(payload.bytes());
        int lines = payload.text() ? lines(data) : 0;
        // Each line break of the payload has at least one byte, which the line feed replaces.
        byte[] event = new byte[id.length + type.length + (lines + 1) * DATA.length + data.length + 2];
        int end = copy(id, 0, id.length, event, 0);
        end = copy(type, 0, type.length, event, end);
        int start = 0;
        for (int i = 0; i < lines; i++) {
            int stop = start;
            while (data[stop] != '\n' && data[stop] != '\r') {
                stop++;
            }
            end = line(data, start, stop, event, end);
            boolean pair = data[stop] == '\r' && stop + 1 < data.length && data[stop + 1] == '\n';
            start = stop + (pair ? 2 : 1);
        }
        end = line(data, start, data.length, event, end);
        event[end++] = '\n';
        return end == event.length ? event : Arrays.copyOf(event, end);
    }

    private static int line(byte[] data, int start, int stop, byte[] event, int end) {
        int next = copy(DATA, 0, DATA.length, event, end);
        next = copy(data, start, stop, event, next);
        event[next] = '\n';
        return next + 1;
    }

    private static int copy(byte[] from, int start, int stop, byte[] to, int end) {
        System.arraycopy(from, start, to, end, stop - start);
        return end + stop - start;
    }

    /** Returns the number of line breaks: LF, CR, or both. */
    private static int lines(byte[] text) {
        int breaks = 0;
        for (int i = 0; i < text.length; i++) {
            if (text[i] == '\n' || (text[i] == '\r' && (i + 1 == text.length || text[i + 1] != '\n'))) {
                breaks++;
            }
        }
        return breaks;
    }

    private byte[] name(Channel channel) {
        if (!named) {
            return NOTHING;
        }
        // A line break would end the field.
        String name = channel.name().replace('\n', ' ').replace('\r', ' ');
        return (new String(NAME, StandardCharsets.US_ASCII) + name + "\n").getBytes(StandardCharsets.UTF_8);
    }

    @Override
    byte[] bytes(ObjectNode message) {
        return utf8(event(message));
    }

    /** JSON without line breaks is one line of data. */
    private static String event(ObjectNode message) {
        return "event: sluice\ndata: " + message + "\n\n";
    }

    /** An event without data sets the client's last event id, and is not dispatched. */
    private static String position(Position at) {
        return "id: " + at + "\n\n";
    }

    /** The time after which browsers reconnect, random so that the clients of a pod do not reconnect together. */
    private static String retry(int maxMillis) {
        return "retry: " + ThreadLocalRandom.current().nextInt(maxMillis / 5, maxMillis + 1) + "\n";
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
