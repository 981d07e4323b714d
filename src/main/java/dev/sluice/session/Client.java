package dev.sluice.session;

import dev.sluice.clock.Position;
import dev.sluice.outbox.PublicationFormat;
import dev.sluice.protocol.Dialect;
import dev.sluice.registry.Connection;
import dev.sluice.span.Span;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/** An authenticated client, as {@link CommandHandler} sees it. Confined to the connection's event loop. */
interface Client {

    Connection connection();

    /** Sets when the client's current token expires, in milliseconds since the epoch. */
    void expires(long at);

    /** The format of messages to the client. */
    Dialect dialect();

    /** The format of publications to the client, which may be longer than the dialect's. */
    PublicationFormat format();

    /** The position before which everything has been sent to the client; {@code null} if there is none. */
    @Nullable
    Position at();

    /** Whether the client waits for a replay, until which no further message is handled. */
    boolean isWaiting();

    /** Starts or ends the wait for a replay. */
    void waits(boolean waiting);

    /**
     * Starts the wait for what the first answer needs, which a timer limits.
     *
     * @param canceller cancels the timer; run by {@link #cancelTimer}, and when the session ends
     */
    void await(Runnable canceller);

    /** Cancels the timer of the first answer. */
    void cancelTimer();

    /** Charges this turn of the event loop with bytes that it handled for the client. */
    void spend(int bytes);

    /** Runs work for the client when a turn of the event loop has room; the client may queue only one task. */
    void inTurn(Runnable work);

    /** The span of the request by which the client connected. */
    Span span();

    /** The client's undecided subscribe requests. */
    PendingSubscriptions pending();

    /** The client's replays that are under way, see {@link ReplaySender}. */
    Queue<ChannelReplay> replays();
}
