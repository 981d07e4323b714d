package dev.sluice.outbox;

import dev.sluice.route.Channel;
import dev.sluice.route.Overflow;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The one way to a connection: everything sent on it goes through here, so the order is defined, and what waits for it is
 * bounded in memory and in time. A socket that has not taken what it was given is full; from then on publications of a
 * route that says {@link Overflow#LATEST} are held back, the newest of each channel, and everything else waits in line.
 * Confined to the connection's event loop; who should hear what is not its business.
 */
public final class Outbox {

    /** Bytes not taken by the kernel from which the socket counts as full: Netty's own default. */
    static final int FULL = 64 * 1024;

    /** Bytes not taken down to which a full socket must get before what was held back is written. */
    static final int DRAINED = FULL / 2;

    /** How long a close may take before the connection is cut; clients are promised two seconds. */
    static final long MAX_CLOSING_NANOS = 1_500_000_000L;

    /**
     * What every outbox is allowed.
     *
     * @param maxBytes the most it may be charged for, see {@link Frame#cost()}
     * @param maxStallNanos how long a socket may take nothing of what waits for it
     */
    public record Bounds(int maxBytes, long maxStallNanos) {}

    private record Held(Payload newest, int missed) {}

    private final Wire wire;
    private final Loop loop;
    private final Bounds bounds;
    private final OutboxMeters meters;
    private final Consumer<Disconnect> onFailure;

    private int unflushed;
    private int inFlight;
    private int heldBytes;
    private int counted;
    private @Nullable Map<Channel, Held> held;
    private boolean flushDue;
    private boolean busy;
    private boolean failed;
    private boolean closing;
    private boolean ended;
    private long since;

    /**
     * An outbox with nothing in it.
     *
     * @param loop the connection's event loop
     * @param onFailure told once, on the event loop, why it must end
     */
    public Outbox(Wire wire, Loop loop, Bounds bounds, OutboxMeters meters, Consumer<Disconnect> onFailure) {
        this.wire = wire;
        this.loop = loop;
        this.bounds = bounds;
        this.meters = meters;
        this.onFailure = onFailure;
    }

    /** Sends after everything sent before, at the end of the loop's batch; dropped once it has failed or is closing. */
    public void send(Frame frame) {
        if (failed || closing || ended) {
            return;
        }
        if (frame instanceof Run run && run.channel().route().overflow() == Overflow.LATEST && held(run)) {
            account();
        } else if (fits(frame.cost())) {
            write(frame);
        } else {
            fail(Disconnect.OUTBOX_FULL);
        }
    }

    /** Drops what is held back of the channel: nobody there wants it any more. */
    public void forget(Channel channel) {
        Held waiting = held == null ? null : held.remove(channel);
        if (waiting != null) {
            heldBytes -= cost(waiting.newest());
            account();
        }
    }

    /** Closes the socket after everything sent before, and cuts it where that takes too long; idempotent. */
    public void close(int code, String reason) {
        if (closing || ended) {
            return;
        }
        if (!failed) {
            release(Integer.MAX_VALUE);
        }
        forget();
        flush();
        closing = true;
        since = System.nanoTime();
        watch();
        wire.close(code, reason);
    }

    /** The socket is closed: nothing waits any more. Idempotent. */
    public void ended() {
        ended = true;
        inFlight = 0;
        unflushed = 0;
        forget();
        account();
        unwatch();
    }

    /** Sends what has been written; called by the loop. */
    void flush() {
        flushDue = false;
        if (unflushed == 0 || ended) {
            return;
        }
        int bytes = unflushed;
        unflushed = 0;
        inFlight += bytes;
        wire.flush(failure -> taken(bytes, failure));
        if (inFlight > 0 && !busy) {
            since = System.nanoTime();
            watch();
        }
        account();
    }

    /** Looks whether something takes too long; called by the loop now and then while something is under way. */
    void check(long now) {
        if (closing) {
            if (now - since >= MAX_CLOSING_NANOS) {
                unwatch();
                wire.cut();
            }
        } else if (now - since >= bounds.maxStallNanos()) {
            fail(Disconnect.STALLED);
        }
    }

    private void taken(int bytes, @Nullable Throwable failure) {
        if (ended) {
            return;
        }
        inFlight -= bytes;
        if (failure != null) {
            fail(Disconnect.SEND_FAILED);
        } else if (!closing) {
            if (inFlight == 0) {
                unwatch();
            } else {
                since = System.nanoTime();
            }
            if (inFlight <= DRAINED) {
                release(FULL);
            }
        }
        account();
    }

    private void write(Frame frame) {
        wire.write(frame);
        unflushed += frame.cost();
        if (unflushed >= FULL) {
            flush();
        } else if (!flushDue) {
            flushDue = true;
            loop.flushLater(this);
        }
    }

    private boolean full() {
        if (inFlight + unflushed >= FULL) {
            flush();
        }
        return inFlight >= FULL;
    }

    private boolean fits(int cost) {
        if (inFlight + unflushed + heldBytes + cost <= bounds.maxBytes()) {
            return true;
        }
        flush();
        return inFlight + heldBytes + cost <= bounds.maxBytes();
    }

    /** Holds back the newest of the run where the socket is full; false where it is not. */
    private boolean held(Run run) {
        if (held == null) {
            if (!full()) {
                return false;
            }
            held = new LinkedHashMap<>();
        }
        Held before = held.get(run.channel());
        Payload newest = run.last();
        int missed = run.count() - 1;
        int cost = cost(newest);
        if (before != null) {
            if (before.newest().sequence() >= newest.sequence()) {
                return true;
            }
            missed += before.missed() + 1;
            cost -= cost(before.newest());
        }
        if (inFlight + unflushed + heldBytes + cost > bounds.maxBytes()) {
            fail(Disconnect.OUTBOX_FULL);
            return true;
        }
        heldBytes += cost;
        held.put(run.channel(), new Held(newest, missed));
        int dropped = missed - (before == null ? 0 : before.missed());
        if (dropped > 0) {
            meters.missed(run.channel().route(), dropped);
        }
        return true;
    }

    /** Writes what was held back, oldest channel first, until so many bytes are under way. */
    private void release(int limit) {
        while (held != null && !held.isEmpty() && inFlight + unflushed < limit) {
            Map.Entry<Channel, Held> next = held.entrySet().iterator().next();
            Channel channel = next.getKey();
            Held waiting = next.getValue();
            held.remove(channel);
            heldBytes -= cost(waiting.newest());
            if (waiting.missed() > 0) {
                write(MissedFrame.of(channel, waiting.missed()));
            }
            write(new Run(channel, waiting.newest()));
        }
        if (held != null && held.isEmpty()) {
            held = null;
        }
    }

    private void forget() {
        held = null;
        heldBytes = 0;
    }

    private void fail(Disconnect reason) {
        if (!failed && !closing) {
            failed = true;
            forget();
            onFailure.accept(reason);
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

    private static int cost(Payload payload) {
        return Frame.encodedLength(payload.bytes().length) + Frame.OVERHEAD;
    }

    private void account() {
        int now = inFlight + heldBytes;
        if (now != counted) {
            meters.pending(now - counted);
            counted = now;
        }
    }
}
