package dev.sluice.outbox;

import dev.sluice.route.Channel;
import dev.sluice.route.Overflow;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Sends everything to one connection, so that the order is defined, and waiting data is bounded in memory and time. A
 * socket is unwritable when it has not taken what was written. Then publications of routes with {@link Overflow#LATEST} are
 * held back, the newest of each channel, and all other frames queue. Confined to the connection's event loop.
 */
public final class Outbox {

    private static final Logger LOG = Logger.getLogger(Outbox.class);

    /** The largest high-water mark: Netty's own default. */
    static final int HIGH_WATER_MARK = 64 * 1024;

    /** How long a close may take before the connection is cut; the protocol promises two seconds. */
    static final long MAX_CLOSING_NANOS = 1_500_000_000L;

    /**
     * The limits of every outbox.
     *
     * @param maxBytes the most it may be charged for, see {@link Frame#cost()}
     * @param maxLoopBytes the most that all outboxes of one event loop may be charged together, see {@link Frame#share()}
     * @param maxStallNanos how long a socket may take nothing of what waits for it
     * @param maxFlushNanos how long one flush may take
     */
    public record Bounds(int maxBytes, long maxLoopBytes, long maxStallNanos, long maxFlushNanos) {

        /** The socket is unwritable at this number of bytes that the kernel has not taken. */
        int highWaterMark() {
            return Math.min(HIGH_WATER_MARK, maxBytes / 4);
        }
    }

    /** The owner of the outbox. Called on the event loop. */
    @FunctionalInterface
    public interface Owner {
        /** Called once with the reason why the connection must end. */
        void failed(Disconnect reason);

        /** Returns how the socket is closed for the reason. May be called on any thread. */
        default Close closeFor(Disconnect reason) {
            return new Close(1011, reason.tag());
        }

        /**
         * Returns a frame with the position up to which everything has been passed to this outbox; {@code null} if
         * there is none.
         */
        default @Nullable Frame mark() {
            return null;
        }
    }

    private final FrameWriter writer;
    private final Loop loop;
    private final Bounds bounds;
    private final OutboxMeters meters;
    private final Owner owner;
    private final @Nullable PublicationFormat headers;

    private int unflushed;
    private int inFlight;
    private long counted;

    /** The unflushed bytes as shares of the memory. */
    private int unflushedShare;

    private int inFlightShare;
    private long countedShare;

    /** Present only while the socket is unwritable. */
    private @Nullable ConflatedQueue held;

    private @Nullable Runnable drained;
    /** The number of {@link #hold}s that have not been released. */
    private int holds;

    /** Whether a failure lost a frame that was sent. */
    private boolean lostFrame;

    /** The newest publication that replaced an older one of its channel. */
    private long lastReplacing;

    private boolean settled;
    private @Nullable Frame lastMark;
    private boolean flushDue;
    private boolean failed;
    private boolean closing;
    private boolean ended;

    /** Present only while data is under way, or the close. */
    private @Nullable StallTimer timer;

    /**
     * Creates an empty outbox.
     *
     * @param loop the connection's event loop
     */
    public Outbox(FrameWriter writer, Loop loop, Bounds bounds, OutboxMeters meters, Owner owner) {
        this.writer = writer;
        this.loop = loop;
        this.bounds = bounds;
        this.meters = meters;
        this.owner = owner;
        this.headers = writer.headers();
    }

    /**
     * Sends a frame after all earlier ones, at the end of the loop's task; drops it if the outbox has failed or is
     * closing.
     */
    public void send(Frame frame) {
        if (failed || closing || ended) {
            return;
        }
        try {
            offer(frame);
        } catch (Throwable e) {
            lostFrame = true;
            throw e;
        }
    }

    private void offer(Frame frame) {
        int cost = cost(frame);
        if (frame instanceof ReplayBatch) {
            // The replay may have newer publications of a channel than the held ones.
            writeHeld(Integer.MAX_VALUE);
        }
        if (frame instanceof PublicationBatch batch
                && batch.count() > 1
                // A format may make them so much longer that they do not fit together.
                && (!writer.takesBatches() || cost > bounds.maxBytes())) {
            for (int i = 0; i < batch.count(); i++) {
                PublicationBatch one = new PublicationBatch(batch.channel(), batch.get(i));
                // Held back, its payload is that of all; written, it is a copy for this connection alone.
                if (isHeldBack(one)) {
                    one.sharedBy(batch.receivers());
                }
                send(one);
            }
        } else if (frame instanceof ReplayBatch batch && batch.count() > 1 && !writer.takesBatches()) {
            for (int i = 0; i < batch.count(); i++) {
                send(batch.only(i));
            }
        } else if (frame instanceof PublicationBatch batch && isHeldBack(batch)) {
            conflate(batch);
        } else if (fits(cost)) {
            write(frame, cost, isLate(frame));
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
     * Starts sending something older than frames that are sent meanwhile. Until {@link #release} has been called as
     * often, no message states that everything before it has been sent.
     */
    public void hold() {
        holds++;
    }

    /** Ends one {@link #hold}. */
    public void release() {
        holds--;
        mark();
    }

    /** Whether something older than newly sent frames has yet to be sent, or was lost. */
    public boolean isBehind() {
        return lostFrame || holds > 0 || (held != null && !held.isEmpty());
    }

    /** Sends the position up to which everything has been sent, unless the outbox {@link #isBehind} or has no room. */
    public void mark() {
        if (!isBehind() && !settled && !isEnding() && !ended) {
            Frame mark = owner.mark();
            if (mark != null && fits(mark.cost())) {
                write(mark);
            }
        }
    }

    /** Marks the last frame of the connection: the last mark covers what was sent before. */
    public void settle() {
        if (!settled) {
            settled = true;
            lastMark = lostFrame || holds > 0 || isEnding() || ended ? null : owner.mark();
        }
    }

    /** Returns how the socket is closed for the reason. May be called on any thread. */
    public Close closeFor(Disconnect reason) {
        return owner.closeFor(reason);
    }

    /** Closes the connection after all earlier frames, and cuts it if that takes too long; idempotent. */
    public void close(Close how) {
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
            if (how.last() != null) {
                write(how.last());
            }
            held = null;
            account();
            flush();
            closing = true;
            if (!ended) {
                watch().restart(System.nanoTime());
            }
            writer.close(how.code(), how.reason());
        } catch (Throwable e) {
            // Memory may be exhausted, and a close frame needs some as well.
            LOG.debug("Closing failed", e);
            closing = true;
            writer.cut();
        }
    }

    /** Releases everything, because the socket is closed. Idempotent. */
    public void ended() {
        ended = true;
        if (unflushed > 0) {
            // The wire must release what it was given.
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

    /** Whether the socket has not yet taken everything. */
    public boolean isSending() {
        return inFlight > 0;
    }

    /**
     * Whether half of the bound is under way, so that client messages, which cause more data, should wait. This is not
     * the high-water mark, from which publications are held back, so that a slow client can still unsubscribe.
     */
    public boolean isHalfFull() {
        return inFlight >= bounds.maxBytes() / 2;
    }

    /**
     * Runs the action on the event loop when the socket has drained to the low-water mark; never if it fails or closes
     * before. Only the last action counts.
     */
    public void whenDrained(Runnable action) {
        drained = action;
    }

    /**
     * Sends the last frame of a task of the loop, and flushes it while both are in the processor's cache. Not if a flush is
     * under way: its end may make the client's messages run, which change what the loop is about to deliver.
     */
    public void sendLast(Frame frame) {
        send(frame);
        if (flushDue && inFlight == 0 && drained == null) {
            loop.flush(this);
        }
    }

    /** Flushes what has been written; called by the loop. */
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
        writer.flush(new Flush(bytes, share));
        if (inFlight > 0) {
            watch();
        }
        account();
    }

    /** Checks for timeouts; called by the loop periodically while data is under way. */
    void check(long now) {
        StallTimer running = timer;
        if (running == null) {
            return;
        }
        if (closing) {
            if (running.isOlderThan(now, MAX_CLOSING_NANOS)) {
                unwatch();
                writer.cut();
            }
        } else if (running.isStalled(now, writer, bounds) && timer == running) {
            // Otherwise the question has ended the flush, and run its callbacks.
            fail(Disconnect.STALLED);
        }
    }

    /** A flush of so many bytes. Not a lambda: only C2 creates those with values cheaply. */
    private final class Flush implements FrameWriter.Done {

        private final int bytes;
        private final int share;

        Flush(int bytes, int share) {
            this.bytes = bytes;
            this.share = share;
        }

        @Override
        public void done(@Nullable Throwable failure) {
            try {
                taken(bytes, share, failure);
            } catch (Throwable e) {
                // The caller would swallow the exception, and lose the frame.
                LOG.debug("Writing what was held back failed", e);
                fail(Disconnect.INTERNAL_ERROR);
            }
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
                watch().progressed(System.nanoTime());
            }
            if (inFlight <= bounds.highWaterMark() / 2) {
                writeHeld(bounds.highWaterMark());
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
        write(frame, cost(frame), isLate(frame));
    }

    private boolean isLate(Frame frame) {
        return (frame instanceof PublicationBatch batch && batch.isLate()) || isBehind();
    }

    private void write(Frame frame, int cost, boolean late) {
        if (late) {
            writer.writeLate(frame);
        } else {
            writer.write(frame);
        }
        unflushed += cost;
        unflushedShare += writer.sharesBytes() ? share(frame) : cost;
        if (unflushed >= bounds.highWaterMark()) {
            flush();
        } else if (!flushDue) {
            flushDue = true;
            loop.flushLater(this);
        }
    }

    private boolean isHeldBack(PublicationBatch batch) {
        return batch.channel().route().overflow() == Overflow.LATEST && isUnwritable();
    }

    /**
     * Whether the socket is unwritable: from the high-water mark until it has drained to the low one and the held
     * publications are written.
     */
    private boolean isUnwritable() {
        if (held == null && inFlight + unflushed >= bounds.highWaterMark()) {
            flush();
        }
        return held != null || inFlight >= bounds.highWaterMark();
    }

    private boolean fits(int cost) {
        if (hasRoom(cost)) {
            return true;
        }
        flush();
        return hasRoom(cost);
    }

    private int cost(Frame frame) {
        // A call by the class, which a compiler without a profile inlines.
        return frame instanceof PublicationBatch batch
                ? batch.cost() + (headers == null ? 0 : batch.overhead(headers))
                : frame.cost();
    }

    private int share(Frame frame) {
        return frame instanceof PublicationBatch batch
                ? batch.share() + (headers == null ? 0 : batch.overhead(headers) / batch.receivers())
                : frame.share();
    }

    /** Whether a frame of that cost fits. */
    public boolean hasRoom(long cost) {
        return charged() + unflushed + cost <= bounds.maxBytes();
    }

    /** Whether a frame of that cost fits into the empty outbox. */
    public boolean canHold(long cost) {
        return cost <= bounds.maxBytes();
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
                lastReplacing = newest.payload().sequence();
                meters.missed(batch.channel().route(), dropped);
            }
        } else {
            fail(Disconnect.OUTBOX_FULL);
        }
        account();
    }

    /** Writes held publications, until the given number of bytes is under way. */
    private void writeHeld(int limit) {
        while (held != null && inFlight + unflushed < limit) {
            if (held.isEmpty()) {
                held = null;
                return;
            }
            ConflatedQueue.Newest next = held.next();
            boolean last = held.isEmpty();
            if (next.missed() > 0) {
                write(new Frame.Missed(next.channel(), next.missed()));
            }
            PublicationBatch newest = new PublicationBatch(next.channel(), next.payload());
            write(newest, cost(newest), true);
            if (last) {
                mark();
            }
        }
    }

    /** Reports the reason why the connection must end, once. */
    void fail(Disconnect reason) {
        if (!failed && !closing) {
            failed = true;
            held = null;
            account();
            owner.failed(reason);
        }
    }

    private StallTimer watch() {
        if (timer == null) {
            timer = new StallTimer(System.nanoTime());
            loop.watch(this);
        }
        return timer;
    }

    private void unwatch() {
        if (timer != null) {
            timer = null;
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

    /** Returns what waits for the connection, to explain it to people. */
    public OutboxState state(Channel channel) {
        ConflatedQueue.Newest waiting = held == null ? null : held.of(channel);
        return new OutboxState(
                charged() + unflushed,
                waiting == null ? 0 : waiting.payload().sequence(),
                waiting == null ? 0 : waiting.missed(),
                lastReplacing);
    }

    /** Its share of the memory, in bytes. */
    long share() {
        return countedShare;
    }

    /** Whether the connection is already ending. */
    boolean isEnding() {
        return failed || closing;
    }

    /** Ends the connection, because the outboxes of the loop hold too much; cuts it if it is already ending. */
    void makeRoom() {
        if (isEnding()) {
            writer.cut();
        } else {
            meters.crowdedOut();
            fail(Disconnect.OUTBOX_FULL);
        }
    }
}
