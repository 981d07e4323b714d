package dev.sluice.wire;

import dev.sluice.guard.Slot;
import dev.sluice.span.Span;

/** What a session uses of its client's TCP connection. Confined to the connection's event loop. */
public interface ClientChannel {

    /** The connection's slot among all connections. */
    Slot slot();

    /** The span of the request, for its children. */
    Span span();

    /** Sets the span of the request. */
    void traced(Span as);

    /** The client has authenticated. */
    void authenticated();

    /** Whether the client may send more messages; if not, it is reported as flooding. */
    boolean admits(int more);

    /** The session takes messages again. */
    void proceed();

    /** Charges this turn of the event loop with the bytes of an answer. */
    void spend(int bytes);

    /** Runs work for the client when a turn of the event loop has room; the client may queue only one task. */
    void inTurn(Runnable work);

    /**
     * Whether a message has been unfinished for that long; both in nanoseconds, the first of {@link System#nanoTime}.
     */
    boolean isUnfinishedFor(long now, long nanos);
}
