package dev.sluice.feed;

import dev.sluice.clock.Clock;
import dev.sluice.clock.Era;
import dev.sluice.clock.Position;
import dev.sluice.clock.Summary;
import dev.sluice.clock.Tick;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The clock of one subscription: gives publications their positions, and publishes a tick if no pod has done so for
 * some time. {@link Clock} has the rules, this class has the time. Confined to the feed's thread.
 */
final class Ticker {

    private static final Logger LOG = Logger.getLogger(Ticker.class);

    /** Intervals without a tick after which a pod without a clock founds an era. */
    private static final int SILENCE = 3;

    /** Intervals in which another tick must prove the first one, with a reserve. */
    private static final int PATIENCE = 3;

    /**
     * The jitter is at most this fraction of an interval. In a calm fleet, the pod with the least jitter publishes all
     * ticks.
     */
    private static final int JITTER = 10;

    /** The least time between ticks for which clients wait is this fraction of an interval. */
    private static final int HURRY = 5;

    /** The outcome of a tick. */
    enum Outcome {
        /** This pod publishes it. */
        SENT,
        /** This pod has heard it, and counts from it or may do so later. */
        HEARD,
        /** The tick is a copy, or of another era, or invalid. */
        IGNORED
    }

    /** The state of the clock. */
    enum State {
        /** Publications have no positions, and will not have any soon. */
        ABSENT,
        /** Publications have no positions yet: other pods tick, or this is not known yet. */
        AWAITED,
        /** Publications have positions. */
        VOUCHES
    }

    private final Clock clock;
    private final Era.Kind kind;
    private final Duration interval;
    private final Time time;
    private final FeedListener listener;
    private final Owner owner;
    private final Divergence divergence = new Divergence();
    private State state = State.ABSENT;
    private Runnable cancelTick = () -> {};
    private Runnable cancelWait = () -> {};
    private @Nullable Era era;
    private boolean started;
    private boolean closed;

    /** Whether the clock is off until the subscription ends. */
    private boolean off;

    private boolean paused;

    /** Whether the next tick is published soon. */
    private boolean hurried;

    /** When the last tick was heard, in {@link Time#nanos}. */
    private long lastTick;

    /** The subscription to which the ticker belongs. */
    interface Owner {

        /** Publishes on the clock's channel. */
        void publish(String text);

        /**
         * Returns the instant before which everything published has been heard; {@code null} before the first proof.
         */
        @Nullable
        Instant heardUntil();

        /** This pod heard other messages than the majority since the instant. */
        void lost(Instant since);
    }

    /**
     * Creates a clock that has heard nothing.
     *
     * @param interval between ticks
     */
    Ticker(Duration interval, Time time, FeedListener listener, Owner owner) {
        this(interval, Era.Kind.COMMON, time, listener, owner);
    }

    /** @param kind what pods hear */
    Ticker(Duration interval, Era.Kind kind, Time time, FeedListener listener, Owner owner) {
        this.clock = new Clock(ThreadLocalRandom.current().nextLong(), kind == Era.Kind.COMMON);
        this.kind = kind;
        this.interval = interval;
        this.time = time;
        this.listener = listener;
        this.owner = owner;
    }

    /** Starts the clock: the pod hears everything that is published from now on. */
    void start() {
        started = true;
        enter(State.AWAITED);
        // One interval plus twice the jitter: until then other pods have ticked.
        cancelWait = time.after(interval.plus(interval.dividedBy(JITTER / 2)), this::decideToWait);
        awaitTick();
    }

    /** Records that no other pods exist whose ticks could arrive. */
    void alone() {
        if (started && !closed && !clock.hears()) {
            publish();
            awaitTick();
        }
    }

    /** Publishes the next tick soon, because clients wait for it. */
    void hurry() {
        if (clock.vouches() && !hurried && !off && !closed) {
            hurried = true;
            cancelTick.run();
            long due = lastTick + interval.dividedBy(HURRY).toNanos() - time.nanos();
            cancelTick = time.after(Duration.ofNanos(Math.max(0, due)), this::silent);
        }
    }

    /** Other ticks count from now on: positions end, and begin again with these. */
    void restart() {
        if (started && !closed && !off) {
            enter(State.ABSENT);
            clock.forget();
            cancelWait.run();
            start();
        }
    }

    /** Publications are missing; positions begin again at the next tick. */
    void interrupt() {
        if (started && !closed) {
            enter(State.ABSENT);
        }
    }

    /** Publishes no ticks while reading is paused, because unread data may contain ticks of others. */
    void pause(boolean pause) {
        paused = pause;
    }

    /** Ends the clock and its positions. */
    void close() {
        closed = true;
        cancelTick.run();
        cancelWait.run();
        if (started) {
            enter(State.ABSENT);
        }
    }

    /** Returns a batch with the position before it, and counts its publications. */
    Batch batch(List<Publication> publications) {
        Position before = clock.position();
        if (clock.hears()) {
            // Not an iterator, which is two more calls for each publication without C2.
            int size = publications.size();
            for (int i = 0; i < size; i++) {
                Publication publication = publications.get(i);
                clock.count(publication.nameHash(), publication.payloadLength());
            }
        }
        return new Batch(before, publications);
    }

    /** Handles a message on the clock's channel; called in order with {@link #batch}. */
    void hear(@Nullable String text) {
        if (!started || closed || off) {
            return;
        }
        boolean heard = false;
        try {
            if (text != null && Summary.isOne(text)) {
                clock.hear(Summary.parse(text));
                heard = true;
            } else {
                heard = hear(Tick.parse(text == null ? "" : text));
            }
        } catch (IllegalArgumentException e) {
            LOG.debugf("Something else than a tick was published on the clock's channel: %s", e.getMessage());
        }
        listener.tick(heard ? Outcome.HEARD : Outcome.IGNORED);
        vote();
    }

    /** Returns whether the tick counts. */
    private boolean hear(Tick tick) {
        if (tick.era().kind() != kind) {
            return false;
        }
        boolean awaited = !clock.vouches();
        Clock.Heard heard = clock.hear(tick);
        if (heard == Clock.Heard.LOST) {
            lost();
        } else if (heard == Clock.Heard.NEXT || heard == Clock.Heard.ADOPTED) {
            moved(tick);
        }
        if ((awaited || heard != Clock.Heard.IGNORED) && !off) {
            awaitTick();
        }
        return heard != Clock.Heard.IGNORED;
    }

    /** Publishes this pod's summary if pods differ, and lets the next tick, which decides, come sooner. */
    private void vote() {
        for (Summary own = clock.takeSummary(); own != null; own = clock.takeSummary()) {
            owner.publish(own.toString());
            awaitTick();
        }
    }

    private void lost() {
        Instant since = divergence.since(clock.lostAfter(), time.now());
        LOG.warnf("This pod heard other publications than most pods since %s. Its clients get a gap", since);
        enter(State.ABSENT);
        owner.lost(since);
        if (divergence.repeats(time.now())) {
            LOG.error(
                    "Publications have no positions until this pod subscribes again, because it repeatedly heard other"
                            + " publications than most pods. Redis, or the network between, loses or reorders messages: check both");
            off = true;
            clock.forget();
            cancelTick.run();
        }
    }

    private void moved(Tick tick) {
        Instant until = owner.heardUntil();
        if (until != null) {
            divergence.tick(tick.number(), until);
        }
        cancelWait.run();
        lastTick = time.nanos();
        Era current = tick.era();
        if (!current.equals(era)) {
            era = current;
            LOG.infof("Publications have positions in era %s", current);
        }
        enter(State.VOUCHES);
        listener.published(new Batch(clock.position(), new ArrayList<>()));
    }

    private void enter(State next) {
        if (state != next) {
            boolean lost = state == State.VOUCHES;
            state = next;
            listener.clock(next);
            if (lost) {
                listener.published(new Batch(null, new ArrayList<>()));
            }
        }
    }

    private void decideToWait() {
        if (clock.hears()) {
            cancelWait = time.after(interval.multipliedBy(PATIENCE), () -> enter(State.ABSENT));
        } else {
            enter(State.ABSENT);
        }
    }

    private void awaitTick() {
        cancelTick.run();
        hurried = false;
        Duration silence =
                !clock.vouches() ? interval.multipliedBy(SILENCE) : clock.votes() ? interval.dividedBy(2) : interval;
        long jitter =
                ThreadLocalRandom.current().nextLong(interval.dividedBy(JITTER).toNanos() + 1);
        cancelTick = time.after(silence.plusNanos(jitter), this::silent);
    }

    private void silent() {
        if (!paused) {
            publish();
        }
        awaitTick();
    }

    /** Every attempt has its own nonce: two ticks with one nonce would be one point at two places. */
    private void publish() {
        long nonce = ThreadLocalRandom.current().nextLong();
        Tick tick = clock.vouches() ? clock.next(nonce) : founding(nonce);
        if (tick != null) {
            owner.publish(tick.toString());
            listener.tick(Outcome.SENT);
        }
    }

    private Tick founding(long nonce) {
        int random = ThreadLocalRandom.current().nextInt(1 << Short.SIZE);
        Era founded = Era.founded(time.now().toEpochMilli(), kind, random);
        return new Tick(founded, 1, nonce, 0, null);
    }
}
