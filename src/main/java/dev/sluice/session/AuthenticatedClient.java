package dev.sluice.session;

import dev.sluice.clock.Position;
import dev.sluice.feed.Gap;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.PublicationFormat;
import dev.sluice.protocol.ChannelDialect;
import dev.sluice.protocol.Dialect;
import dev.sluice.registry.Connection;
import dev.sluice.span.Span;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * The client of a session from its authentication on: the state that its requests need, and what it is told unasked, that is
 * heartbeats, gaps and restarts. Confined to the connection's event loop.
 */
final class AuthenticatedClient implements Client {

    private final Session session;
    private final Connection connection;

    /** When the client's token expires, in milliseconds since the epoch. */
    private long expires;

    /** Whether a new token is being verified. */
    private boolean refreshing;

    /** The number of replays for which the client waits; until then no further message is handled. */
    private int waits;

    /** Cancels the timer of the first answer. */
    private @Nullable Runnable timer;

    private @Nullable PendingSubscriptions pending;
    private @Nullable Queue<ChannelReplay> replays;

    /** Present only if the client keeps a position for each channel. */
    private final @Nullable ChannelRestart channelRestart;

    /** Present only from the start of a gap until its end is reported. */
    private @Nullable GapReports gaps;

    /** What the client is told after the answer to its authentication; present only until then. */
    private @Nullable List<Frame> untold = new ArrayList<>(0);

    private boolean beating;
    private long nextBeat;
    private int unanswered;

    AuthenticatedClient(Session session, Connection connection, long expires, Requests requests) {
        this.session = session;
        this.connection = connection;
        this.expires = expires;
        this.channelRestart = session.dialect() instanceof ChannelDialect ? new ChannelRestart(this, requests) : null;
    }

    @Override
    public Connection connection() {
        return connection;
    }

    /** When the client's token expires, in milliseconds since the epoch. */
    long expires() {
        return expires;
    }

    @Override
    public void expires(long at) {
        expires = at;
    }

    /** Starts the verification of a new token; returns false if one is under way. */
    boolean beginRefresh() {
        boolean first = !refreshing;
        refreshing = true;
        return first;
    }

    void endRefresh() {
        refreshing = false;
    }

    @Override
    public Dialect dialect() {
        return session.dialect();
    }

    @Override
    public PublicationFormat format() {
        return session.format();
    }

    @Override
    public @Nullable Position at() {
        return session.at();
    }

    @Override
    public boolean isWaiting() {
        return waits > 0;
    }

    @Override
    public void waits(boolean awaited) {
        waits += awaited ? 1 : -1;
        if (!isWaiting()) {
            restartIfDue();
            session.proceed();
        }
    }

    @Override
    public void await(Runnable canceller) {
        timer = canceller;
    }

    @Override
    public void cancelTimer() {
        if (timer != null) {
            timer.run();
            timer = null;
        }
    }

    @Override
    public void spend(int bytes) {
        session.spend(bytes);
    }

    @Override
    public void inTurn(Runnable work) {
        session.inTurn(work);
    }

    @Override
    public Span span() {
        return session.span();
    }

    @Override
    public PendingSubscriptions pending() {
        if (pending == null) {
            pending = new PendingSubscriptions();
        }
        return pending;
    }

    @Override
    public Queue<ChannelReplay> replays() {
        if (replays == null) {
            replays = new ArrayDeque<>(1);
        }
        return replays;
    }

    /** Whether a heartbeat is due; the next one is due after the interval. Both in nanoseconds. */
    boolean isBeatDue(long now, long maxInterval) {
        long interval = Math.min(maxInterval, dialect().maxHeartbeatNanos());
        if (!beating) {
            // The first ping is at a random time, so that clients that connected together are spread.
            beating = true;
            nextBeat = now + ThreadLocalRandom.current().nextLong(interval);
        }
        if (now - nextBeat < 0) {
            return false;
        }
        nextBeat = now + interval;
        return true;
    }

    /** The number of unanswered pings. */
    int unanswered() {
        return unanswered;
    }

    /** The client's authentication has been answered. */
    void answered() {
        List<Frame> due = untold;
        untold = null;
        if (due != null) {
            due.forEach(this::tell);
        }
    }

    /** Whether the client's authentication has been answered; until then it is told nothing. */
    boolean isAnswered() {
        return untold == null;
    }

    /** Sends a heartbeat if the client {@link #isAnswered}. */
    void beat() {
        if (!isAnswered()) {
            return;
        }
        if (!session.isSending() && dialect().answersHeartbeats()) {
            // Otherwise it would wait behind data under way, whose time is measured anyway.
            unanswered++;
        }
        dialect().heartbeat().forEach(this::tell);
        restartIfDue();
        session.tellPosition();
    }

    /** The client has sent something. */
    void heard() {
        unanswered = 0;
    }

    /** Sends an unsolicited frame, once the client {@link #isAnswered}. */
    void tell(Frame frame) {
        if (untold != null) {
            untold.add(frame);
        } else {
            connection.send(frame);
        }
    }

    /** Suspends delivery to a client that keeps a position for each channel, until {@link #restart}. */
    void suspend() {
        if (channelRestart != null) {
            channelRestart.suspend();
        }
    }

    /**
     * Makes a client that keeps a position for each channel subscribe again, because it may have missed something.
     *
     * @param streams whether also to channels that are read from streams alone
     */
    void restart(boolean streams) {
        if (channelRestart != null) {
            channelRestart.restart(streams);
        }
    }

    private void restartIfDue() {
        if (channelRestart != null && session.isOpen()) {
            channelRestart.restartIfDue();
        }
    }

    /** Holds positions back from the start of a gap until it has been {@link #tell reported} to the client. */
    void holdUntilTold() {
        gaps().expect();
        connection.hold();
        suspend();
    }

    /**
     * Reports a gap, once at its start and once at its end.
     *
     * @param notice the report
     * @param concerned whether the client may miss something by it; otherwise it is only sent the end of a gap of whose
     *     start it knows
     */
    void tell(Gap gap, Frame notice, boolean concerned) {
        GapReports reports = gaps();
        if (gap.open()) {
            if (reports.starts(gap, concerned)) {
                tell(notice);
            }
            restart(false);
            if (reports.takeExpected()) {
                connection.release();
            }
        } else if (reports.ends(gap)) {
            if (concerned || reports.wasSent()) {
                tell(notice);
            }
            // Otherwise the client was told when the pod had positions again.
            if (channelRestart != null && session.delivered() == null) {
                channelRestart.restartLater();
            }
        }
        if (reports.isOver()) {
            gaps = null;
        }
    }

    private GapReports gaps() {
        if (gaps == null) {
            gaps = new GapReports();
        }
        return gaps;
    }
}
