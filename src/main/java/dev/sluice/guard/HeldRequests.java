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
 * What one connection has sent behind a request that is not answered: whole requests, and at the end perhaps a part of one,
 * bounded in bytes for the connection and for the pod. Confined to the connection's event loop.
 */
final class HeldRequests {

    /** Bytes that a message costs besides its text or content, and as many for each header line. */
    private static final int OVERHEAD = 128;

    private final RequestLimiter limits;

    /** There only while something is held. */
    private @Nullable Queue<Object> messages;

    private int bytes;

    HeldRequests(RequestLimiter limits) {
        this.limits = limits;
    }

    boolean isEmpty() {
        return messages == null;
    }

    /** Whether the next message belongs to a request that has been handed on. */
    boolean hasRest() {
        return messages != null && !(messages.peek() instanceof HttpRequest);
    }

    /** Takes over the message; false where it exceeds a bound. */
    boolean add(Object message) {
        if (messages == null) {
            messages = new ArrayDeque<>();
        }
        messages.add(message);
        int cost = cost(message);
        bytes += cost;
        return limits.hold(cost) && bytes <= limits.maxHeld();
    }

    /** The oldest message, which is the caller's from now on; there must be one. */
    Object remove() {
        Queue<Object> held = Objects.requireNonNull(messages);
        Object oldest = held.remove();
        release(cost(oldest));
        if (held.isEmpty()) {
            messages = null;
        }
        return oldest;
    }

    /** Drops what is held. */
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
