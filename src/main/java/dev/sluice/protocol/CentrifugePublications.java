package dev.sluice.protocol;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import dev.sluice.clock.EntryId;
import dev.sluice.clock.Position;
import dev.sluice.outbox.Payload;
import dev.sluice.route.Channel;
import dev.sluice.route.PublicationSource;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** Encodes publications for Centrifugo's SDKs, whose data is JSON. */
final class CentrifugePublications {

    /** The most bytes around the data of a publication, without the name of its channel. */
    private static final int AROUND =
            "{'push':{'channel':'','pub':{'data':,'offset':12345678901234567}}}\n".length() + 8;

    /** The number of publications that are not UTF-8, and so can't be sent. */
    private final LongAdder binary = new LongAdder();

    /** All connections of an event loop get a publication one after another. */
    private volatile @Nullable Data last;

    /**
     * A payload as the data of a publication.
     *
     * @param json {@code null} if the payload is not UTF-8
     */
    // Two are never compared.
    @SuppressWarnings("ArrayRecordComponent")
    private record Data(Payload payload, byte @Nullable [] json) {}

    /** Returns how many bytes the message has more than the payload at most. */
    int overhead(Channel channel, Payload payload) {
        byte[] json = data(payload);
        return json == null ? 0 : AROUND + 6 * channel.length() + Math.max(0, json.length - payload.bytes().length);
    }

    /** Returns the message; {@code null} if the payload is not UTF-8. */
    byte @Nullable [] encode(Channel channel, Payload payload) {
        byte[] json = data(payload);
        if (json == null) {
            return null;
        }
        long offset = offset(channel, payload);
        byte[] before = ("{\"push\":{\"channel\":" + quoted(channel.name()) + ",\"pub\":{\"data\":")
                .getBytes(StandardCharsets.UTF_8);
        byte[] behind = (offset == 0 ? "}}}" : ",\"offset\":" + offset + "}}}").getBytes(StandardCharsets.US_ASCII);
        byte[] message = new byte[before.length + json.length + behind.length];
        System.arraycopy(before, 0, message, 0, before.length);
        System.arraycopy(json, 0, message, before.length, json.length);
        System.arraycopy(behind, 0, message, before.length + json.length, behind.length);
        return message;
    }

    /** Whether entries have offsets. If {@code PUBLISH} is heard as well, the channel has no single order. */
    static boolean isStream(Channel channel) {
        return channel.route().source() == PublicationSource.STREAM;
    }

    /** Returns the offset that SDKs are to keep; 0 if there is none. */
    private static long offset(Channel channel, Payload payload) {
        EntryId id = payload.id();
        if (id != null) {
            return isStream(channel) && EntryOffset.isOf(id) ? EntryOffset.of(id) : 0;
        }
        Position position = channel.route().history() ? payload.position() : null;
        return position == null || !position.isNamed() ? 0 : position.number();
    }

    /** The number of publications that were not UTF-8. */
    long binary() {
        return binary.sum();
    }

    /** Returns the payload as JSON; {@code null} if it is not UTF-8. */
    byte @Nullable [] data(Payload payload) {
        Data known = last;
        if (known == null || !known.payload.equals(payload)) {
            known = new Data(payload, json(payload));
            if (known.json == null) {
                binary.increment();
            }
            last = known;
        }
        return known.json;
    }

    private static byte @Nullable [] json(Payload payload) {
        if (!payload.text()) {
            return null;
        }
        byte[] bytes = payload.bytes();
        if (!JsonText.isJson(bytes)) {
            return quoted(new String(bytes, StandardCharsets.UTF_8)).getBytes(StandardCharsets.UTF_8);
        }
        byte @Nullable [] line = null;
        for (int i = 0; i < bytes.length; i++) {
            // JSON has line breaks only between values, but for the SDKs they end a message.
            if (bytes[i] == '\n' || bytes[i] == '\r') {
                line = line == null ? bytes.clone() : line;
                line[i] = ' ';
            }
        }
        return line == null ? bytes : line;
    }

    private static String quoted(String text) {
        return "\"" + String.valueOf(JsonStringEncoder.getInstance().quoteAsString(text)) + "\"";
    }
}
