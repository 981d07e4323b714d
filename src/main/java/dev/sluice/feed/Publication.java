package dev.sluice.feed;

import dev.sluice.clock.NameHash;
import java.util.Arrays;

/**
 * One payload on one channel. Channel and payload share one array, because most publications have no listener on this
 * pod and should cost little.
 *
 * @param bytes the name of the channel, then the payload, both as published; never modified. Name or payload are missing
 *     where they are longer than what is wanted
 * @param nameLength how many of the bytes are the name
 * @param nameHash the {@link NameHash}, which the clock and all maps of channels share
 * @param payloadLength how many bytes the payload has, there or not
 * @param receivedAt {@link System#nanoTime()} when it was taken off the Redis connection
 */
// Two publications are never compared.
@SuppressWarnings("ArrayRecordComponent")
public record Publication(byte[] bytes, int nameLength, int nameHash, int payloadLength, long receivedAt) {

    /** Creates a publication with the hash of its name. */
    public Publication(byte[] bytes, int nameLength, int payloadLength, long receivedAt) {
        this(bytes, nameLength, NameHash.of(bytes, nameLength), payloadLength, receivedAt);
    }

    /** Returns a copy of the payload. */
    public byte[] payload() {
        return Arrays.copyOfRange(bytes, nameLength, bytes.length);
    }
}
