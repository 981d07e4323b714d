package dev.sluice.outbox;

import dev.sluice.route.Channel;
import dev.sluice.route.Overflow;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The one way to a connection: everything sent on it goes through here, so the order is defined, and what waits for it is
 * bounded in memory and in time. A socket that has not taken what it was given is full; from then on publications of a
 * route that says {@link Overflow#LATEST} are held back, the newest of each channel, and everything else waits in line.
 * Confined to the connection's event loop; who should hear what is not its business.
 */
public final class Outbox {

    private static final Logger LOG = Logger.getLogger(Outbox.class);

    /** Bytes not taken by the kernel from which the socket counts as full at the latest: Netty's own default. */
    static final int FULL = 64 * 1024;

    /** The part of the longest stall after which the wire is asked whether anything was taken. */
    private static final int SUSPICIOUS = 4;

    /** How long a close may take before the connection is cut; clients are promised two seconds. */
    static final long MAX_CLOSING_NANOS = 1_500_000_000L;

    /**
     * What every outbox is allowed.
     *
     * @param maxBytes the most it may be charged for, see {@link Frame#cost()}
     * @param maxLoopBytes the most that all outboxes of one event loop may be charged together, see {@link Frame#share()}
     * @param maxStallNanos how long a socket may take nothing of what waits for it
     * @param maxFlushNanos how long one flush may take
     */
    public record Bounds(int maxBytes, long maxLoopBytes, long maxStallNanos, long maxFlushNanos) {

        /** Bytes not taken by the kernel from which the socket counts as full, so that some can be held back. */
        int full() {
            return Math.min(FULL, maxBytes / 4);
        }
    }

    /** Whose outbox it is. Called on the event loop. */
    @FunctionalInterface
    public interface Owner {
        /** Told once why the connection must end. */
        void failed(Disconnect reason);

        /** Says up to where everything has been given to this outbox; {@code null} where the client can't be told. */
        default @Nullable Frame mark() {
            return null;
        }
    }

    private final FrameWriter writer;
    private final Loop loop;
    private final Bounds bounds;
    private final OutboxMeters meters;
    private final Owner owner;
    private final boolean headers;

    private int unflushed;
    private int inFlight;
    private long counted;

    /** The same as shares of the memory that is used. */
    private int unflushedShare;

    private int inFlightShare;
    private long countedShare;

    /** There only while the socket is full. */
    private @Nullable ConflatedQueue held;

    private @Nullable Runnable drained;
    /** How many replays or the like are under way. */
    private int holds;

    /** Whether something that was sent was lost by a failure. */
    private boolean torn;

    private boolean settled;
    private @Nullable Frame lastMark;
    private boolean flushDue;
    private boolean busy;
    private boolean failed;
    private boolean closing;
    private boolean ended;

    /** When something was last taken, or began to wait or to close. */
    private long since;

    /** When a flush was last done, or the first one begun. */
    private long done;

    /**
     * An outbox with nothing in it.
     *
     * @param loop the connection's event loop
     */
    public Outbox(FrameWriter writer, Loop loop, Bounds bounds, OutboxMeters meters, Owner owner) {
        this.writer = writer;
        this.loop = loop;
        this.bounds = bounds;
        this.meters = meters;
        this.owner = owner;
        this.headers = writer.addsHeaders();
    }

    /** Sends after everything sent before, at the end of the loop's batch; dropped once it has failed or is closing. */
    public void send(Frame frame) {
        if (failed || closing || ended) {
            return;
        }
        try {
            offer(frame);
        } catch (Throwable e) {
            torn = true;
            throw e;
        }
    }

    private void offer(Frame frame) {
        if (frame instanceof ReplayBatch) {
            // It may have newer publications of a channel than what is held back.
            writeHeld(Integer.MAX_VALUE);
        }
        if (frame instanceof PublicationBatch batch && batch.count() > 1 && !writer.takesBatches()) {
            for (int i = 0; i < batch.count(); i++) {
                PublicationBatch one = new PublicationBatch(batch.channel(), batch.get(i));
                one.sharedBy(batch.receivers());
                send(one);
            }
        } else if (frame instanceof ReplayBatch batch && batch.count() > 1 && !writer.takesBatches()) {
            for (int i = 0; i < batch.count(); i++) {
                ReplayBatch one = new ReplayBatch();
                one.add(batch.channel(i), batch.get(i));
                send(one);
            }
        } else if (frame instanceof PublicationBatch batch
                && batch.channel().route().overflow() == Overflow.LATEST
                && full()) {
            conflate(batch);
        } else if (fits(cost(frame))) {
            write(frame);
        } else {
            fail(Disconnect.OUTBOX_FULL);
        }
    }

    /** Discards held publications of the channel after an unsubscribe. */
    public void forget(Channel channel) {
        if (held != null) {
            boolean behind = isBehind();
            held.drop(channel);
            account();
            if (behind) {
                mark();
            }
        }
    }

    /**
     * From now on something is being sent that is older than what is sent meanwhile. Until {@link #release} has been called as
     * often, nothing says that everything before it has been sent.
     */
    public void hold() {
        holds++;
    }

    /** Ends one {@link #hold}. */
    public void release() {
        holds--;
        mark();
    }

    /** Whether something older than what is sent now has yet to be sent, or was lost. */
    public boolean isBehind() {
        return torn || holds > 0 || (held != null && !held.isEmpty());
    }

    /** Tells the client up to where everything has been sent, unless it {@link #isBehind} or has no room. */
    public void mark() {
        if (!isBehind() && !settled && !isEnding() && !ended) {
            Frame mark = owner.mark();
            if (mark != null && fits(mark.cost())) {
                write(mark);
            }
        }
    }

    /** The connection ends: nothing more will be given to this outbox, whose last mark is about what it was given before. */
    public void settle() {
        if (!settled) {
            settled = true;
            lastMark = torn || holds > 0 || isEnding() || ended ? null : owner.mark();
        }
    }

    /** Closes the socket after everything sent before, and cuts it where that takes too long; idempotent. */
    public void close(int code, String reason) {
        if (closing || ended) {
            return;
        }
        try {
            settle();
            if (!failed) {
                writeHeld(Integer.MAX_VALUE);
                if (lastMark != null) {
                    write(lastMark);
                }
            }
            held = null;
            account();
            flush();
            closing = true;
            since = System.nanoTime();
            watch();
            writer.close(code, reason);
        } catch (Throwable e) {
            // Perhaps for lack of memory, which a close frame takes as well.
            LOG.debug("Closing failed", e);
            closing = true;
            writer.cut();
        }
    }

    /** The socket is closed: nothing waits any more. Idempotent. */
    public void ended() {
        ended = true;
        if (unflushed > 0) {
            // What the wire has been given it must get rid of.
            writer.flush(failure -> {});
        }
        inFlight = 0;
        unflushed = 0;
        inFlightShare = 0;
        unflushedShare = 0;
        held = null;
        account();
        unwatch();
    }

    /** Whether something sent has not been taken yet. */
    public boolean busy() {
        return inFlight > 0;
    }

    /**
     * Whether so much is under way that nothing should be done now that makes more to send: half of the bound. Not from the
     * mark on from which publications are held back, or a slow client could not unsubscribe from them.
     */
    public boolean isFull() {
        return inFlight >= bounds.maxBytes() / 2;
    }

    /**
     * Runs the action on the event loop once the socket, of which something is under way, has been drained to the lower
     * mark; never where it fails or closes before. Only the last action given counts.
     */
    public void whenDrained(Runnable action) {
        drained = action;
    }

    /** Sends what has been written; called by the loop. */
    void flush() {
        flushDue = false;
        if (unflushed == 0 || ended) {
            return;
        }
        int bytes = unflushed;
        int share = unflushedShare;
        unflushed = 0;
        unflushedShare = 0;
        inFlight += bytes;
        inFlightShare += share;
        writer.flush(failure -> done(bytes, share, failure));
        if (inFlight > 0 && !busy) {
            since = System.nanoTime();
            done = since;
            watch();
        }
        account();
    }

    /** Looks whether something takes too long; called by the loop now and then while something is under way. */
    void check(long now) {
        if (closing) {
            if (now - since >= MAX_CLOSING_NANOS) {
                unwatch();
                writer.cut();
            }
        } else if (now - done >= bounds.maxFlushNanos()) {
            fail(Disconnect.STALLED);
        } else if (now - since >= bounds.maxStallNanos() / SUSPICIOUS) {
            since = writer.lastTaken(since, now);
            // Asking may have ended a flush, and more.
            if (busy && now - since >= bounds.maxStallNanos()) {
                fail(Disconnect.STALLED);
            }
        }
    }

    private void done(int bytes, int share, @Nullable Throwable failure) {
        try {
            taken(bytes, share, failure);
        } catch (Throwable e) {
            // Whoever calls back would swallow it, and with it what was just to be written.
            LOG.debug("Writing what was held back failed", e);
            fail(Disconnect.INTERNAL_ERROR);
        }
    }

    private void taken(int bytes, int share, @Nullable Throwable failure) {
        if (ended) {
            return;
        }
        inFlight -= bytes;
        inFlightShare -= share;
        if (failure != null) {
            fail(reason(failure));
        } else if (!closing) {
            if (inFlight == 0) {
                unwatch();
            } else {
                since = System.nanoTime();
                done = since;
            }
            if (inFlight <= bounds.full() / 2) {
                writeHeld(bounds.full());
                tellDrained();
            }
        }
        account();
    }

    private void tellDrained() {
        Runnable action = drained;
        drained = null;
        if (action != null && !failed) {
            action.run();
        }
    }

    private static Disconnect reason(Throwable failure) {
        if (failure instanceof ClosedChannelException) {
            return Disconnect.CONNECTION_LOST;
        }
        return failure instanceof IOException ? Disconnect.CONNECTION_RESET : Disconnect.SEND_FAILED;
    }

    private void write(Frame frame) {
        write(frame, (frame instanceof PublicationBatch batch && batch.isLate()) || isBehind());
    }

    private void write(Frame frame, boolean late) {
        if (late) {
            writer.writeLate(frame);
        } else {
            writer.write(frame);
        }
        int cost = cost(frame);
        unflushed += cost;
        unflushedShare += writer.sharesBytes() ? share(frame) : cost;
        if (unflushed >= bounds.full()) {
            flush();
        } else if (!flushDue) {
            flushDue = true;
            loop.flushLater(this);
        }
    }

    /** Full from the upper mark until it has been drained to the lower one, and what was held back is written. */
    private boolean full() {
        if (held == null && inFlight + unflushed >= bounds.full()) {
            flush();
        }
        return held != null || inFlight >= bounds.full();
    }

    private boolean fits(int cost) {
        if (hasRoom(cost)) {
            return true;
        }
        flush();
        return hasRoom(cost);
    }

    private int cost(Frame frame) {
        return headers && frame instanceof PublicationBatch batch ? batch.cost() + batch.maxHeaders() : frame.cost();
    }

    private int share(Frame frame) {
        return headers && frame instanceof PublicationBatch batch
                ? batch.share() + batch.maxHeaders() / batch.receivers()
                : frame.share();
    }

    /** Whether a frame that is charged for so many bytes fits into what it may hold. */
    public boolean hasRoom(long cost) {
        return charged() + unflushed + cost <= bounds.maxBytes();
    }

    private void conflate(PublicationBatch batch) {
        if (held == null) {
            held = new ConflatedQueue(headers);
        }
        ConflatedQueue.Newest newest = held.after(batch);
        if (newest == null) {
            return;
        }
        if (hasRoom(held.added(newest))) {
            int dropped = held.hold(newest);
            if (dropped > 0) {
                meters.missed(batch.channel().route(), dropped);
            }
        } else {
            fail(Disconnect.OUTBOX_FULL);
        }
        account();
    }

    /** Writes what was held back, until so many bytes are under way. */
    private void writeHeld(int limit) {
        while (held != null && inFlight + unflushed < limit) {
            if (held.isEmpty()) {
                held = null;
                return;
            }
            ConflatedQueue.Newest next = held.next();
            boolean last = held.isEmpty();
            if (next.missed() > 0) {
                write(MissedFrame.of(next.channel(), next.missed()));
            }
            PublicationBatch newest = new PublicationBatch(next.channel(), next.payload());
            newest.sharedBy(next.receivers());
            write(newest, true);
            if (last) {
                mark();
            }
        }
    }

    /** Tells why the connection must end, once. */
    void fail(Disconnect reason) {
        if (!failed && !closing) {
            failed = true;
            held = null;
            account();
            owner.failed(reason);
        }
    }

    private void watch() {
        if (!busy && !ended) {
            busy = true;
            loop.watch(this);
        }
    }

    private void unwatch() {
        if (busy) {
            busy = false;
            loop.unwatch(this);
        }
    }

    private long charged() {
        return (long) inFlight + (held == null ? 0 : held.cost());
    }

    private void account() {
        long now = charged();
        if (now != counted) {
            meters.pending(now - counted);
            counted = now;
        }
        long share = (long) inFlightShare + (held == null ? 0 : held.share());
        if (share != countedShare) {
            loop.charge(share - countedShare, bounds.maxLoopBytes());
            countedShare = share;
        }
    }

    /** Its part of the memory that is used, in bytes. */
    long share() {
        return countedShare;
    }

    /** Whether it is about to end anyway. */
    boolean isEnding() {
        return failed || closing;
    }

    /** The outboxes of the loop hold too much, and this one most of it; or still too much while it is ending. */
    void makeRoom() {
        if (isEnding()) {
            writer.cut();
        } else {
            meters.crowdedOut();
            fail(Disconnect.OUTBOX_FULL);
        }
    }
}
