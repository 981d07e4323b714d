package dev.sluice.outbox;

import dev.sluice.clock.EntryId;
import dev.sluice.clock.Position;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * A published payload. Immutable, and shared by all receivers.
 *
 * @param sequence its place among all that this pod has received; later is larger
 * @param position its place in the order that all pods share; {@code null} if this pod has no positions
 * @param bytes as published; never modified
 * @param text whether the bytes are valid UTF-8 and so may be sent as text: browsers close the connection on any other text frame
 * @param receivedAt {@link System#nanoTime()} when it was received
 * @param id its place in the stream from which it was read; {@code null} if it was published otherwise
 */
// Two payloads are never compared.
@SuppressWarnings("ArrayRecordComponent")
public record Payload(
        long sequence,
        @Nullable Position position,
        byte[] bytes,
        boolean text,
        long receivedAt,
        @Nullable EntryId id) {

    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());

    /** The sign bits of eight bytes; if all are clear, the bytes are ASCII. */
    private static final long SIGNS = 0x8080808080808080L;

    /** Creates a payload that was published. */
    public Payload(long sequence, @Nullable Position position, byte[] bytes, boolean text, long receivedAt) {
        this(sequence, position, bytes, text, receivedAt, null);
    }

    /** Creates a payload, and checks whether its bytes are UTF-8. */
    public static Payload of(long sequence, @Nullable Position position, byte[] bytes, long receivedAt) {
        return new Payload(sequence, position, bytes, isUtf8(bytes), receivedAt);
    }

    /** Creates a payload of an entry of a stream, and checks whether its bytes are UTF-8. */
    public static Payload ofEntry(long sequence, EntryId id, byte[] bytes, long receivedAt) {
        return new Payload(sequence, null, bytes, isUtf8(bytes), receivedAt, id);
    }

    /** Returns the same payload, with another position if clients do not learn its own. */
    public Payload orAt(Position other) {
        return position != null && position.isNamed()
                ? this
                : new Payload(sequence, other, bytes, text, receivedAt, id);
    }

    private static boolean isUtf8(byte[] bytes) {
        int start = 0;
        while (start <= bytes.length - Long.BYTES && ((long) LONGS.get(bytes, start) & SIGNS) == 0) {
            start += Long.BYTES;
        }
        while (start < bytes.length && bytes[start] >= 0) {
            start++;
        }
        return start == bytes.length || decodes(bytes, start);
    }

    private static boolean decodes(byte[] bytes, int start) {
        try {
            // A new decoder reports malformed input; String's own constructor would replace it.
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, start, bytes.length - start));
            return true;
        } catch (CharacterCodingException e) {
            return false;
        }
    }
}
