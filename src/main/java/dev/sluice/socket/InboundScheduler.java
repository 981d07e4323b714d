package dev.sluice.socket;

import java.util.ArrayDeque;
import java.util.Queue;

/**
 * Lets the connections of one event loop take turns, one message each, and bounds the bytes of those messages that have
 * been passed on and are not handled. WebSockets Next makes a string and a task of each, so this bounds what these cost,
 * and for how long what else the event loop has to do must wait. Confined to the event loop.
 */
final class InboundScheduler {

    /** Bytes, as charged; a message larger than that is passed on alone. */
    static final int MAX_UNHANDLED = 256 * 1024;

    private final Queue<Inbound> ready = new ArrayDeque<>();
    private int unhandled;

    /** Queues a connection that has a message; it must not be queued already. */
    void add(Inbound connection) {
        ready.add(connection);
        passOn();
    }

    /** A connection passes on a message of that many bytes. */
    void passing(int bytes) {
        unhandled += bytes;
    }

    /** It has been handled, or never will be. */
    void handled(int bytes) {
        unhandled -= bytes;
        passOn();
    }

    private void passOn() {
        while (unhandled < MAX_UNHANDLED && !ready.isEmpty()) {
            ready.remove().passOn();
        }
    }
}
