package dev.sluice.guard;

import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.util.ReferenceCountUtil;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * Queues the requests that one connection has pipelined behind an unanswered one; the last may be incomplete. Bounded
 * in bytes, per connection and per pod. Confined to the connection's event loop.
 */
final class HeldRequests {

    /** The bytes charged for the objects of a message, and of each header line, besides their text or content. */
    private static final int OVERHEAD = 128;

    private final RequestLimiter limits;

    /** {@code null} while nothing is held. */
    private @Nullable Queue<Object> messages;

    private int bytes;

    HeldRequests(RequestLimiter limits) {
        this.limits = limits;
    }

    boolean isEmpty() {
        return messages == null;
    }

    /** Whether the next message is the rest of a request whose start has been passed on. */
    boolean hasRest() {
        return messages != null && !(messages.peek() instanceof HttpRequest);
    }

    /** Adds the message, which this object releases; returns false if a bound is exceeded. */
    boolean add(Object message) {
        if (messages == null) {
            messages = new ArrayDeque<>();
        }
        messages.add(message);
        int cost = cost(message);
        bytes += cost;
        return limits.hold(cost) && bytes <= limits.maxHeld();
    }

    /** Removes and returns the oldest message, which the caller must release; there must be one. */
    Object remove() {
        Queue<Object> held = Objects.requireNonNull(messages);
        Object oldest = held.remove();
        release(cost(oldest));
        if (held.isEmpty()) {
            messages = null;
        }
        return oldest;
    }

    /** Releases all held messages. */
    void clear() {
        if (messages != null) {
            messages.forEach(ReferenceCountUtil::release);
            messages = null;
        }
        release(bytes);
    }

    private void release(int cost) {
        bytes -= cost;
        limits.release(cost);
    }

    private static int cost(Object message) {
        int cost = OVERHEAD;
        if (message instanceof HttpRequest request) {
            cost += request.uri().length();
            for (Map.Entry<String, String> header : request.headers()) {
                cost += OVERHEAD + header.getKey().length() + header.getValue().length();
            }
        } else if (message instanceof HttpContent content) {
            cost += content.content().readableBytes();
        }
        return cost;
    }
}
