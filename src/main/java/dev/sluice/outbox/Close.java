package dev.sluice.outbox;

import org.jspecify.annotations.Nullable;

/**
 * How a connection is closed.
 *
 * @param code tells the client's code why, as the client's protocol has it
 * @param reason tells people; at most 123 bytes
 * @param last the last message, where the protocol has no close frame
 */
public record Close(int code, String reason, @Nullable Frame last) {

    /** Closes without a last message. */
    public Close(int code, String reason) {
        this(code, reason, null);
    }
}
