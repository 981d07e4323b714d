package dev.sluice.session;

import dev.sluice.protocol.ClientMessage;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Queue;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * The rest of a frame with several messages, which wait until those before them are answered. Confined to the
 * connection's event loop.
 */
final class UnhandledMessages {

    private final Queue<ClientMessage> messages;
    private boolean handling;

    UnhandledMessages(Collection<ClientMessage> messages) {
        this.messages = new ArrayDeque<>(messages);
    }

    /**
     * Handles messages until one must be answered before the next; returns whether none is left.
     *
     * @param ready whether the next message may be handled
     */
    boolean handle(BooleanSupplier ready, Consumer<ClientMessage> handler) {
        if (handling) {
            // A message that is being handled lets the session proceed.
            return false;
        }
        handling = true;
        try {
            while (!messages.isEmpty() && ready.getAsBoolean()) {
                handler.accept(messages.remove());
            }
        } finally {
            handling = false;
        }
        return messages.isEmpty();
    }
}
