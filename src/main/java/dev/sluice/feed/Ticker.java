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
 * The clock of one subscription: names what it hears, and publishes a tick where no pod has for some time. {@link Clock} has
 * the rules, this has the time. Confined to the feed's thread.
 */
final class Ticker {

    private static final Logger LOG = Logger.getLogger(Ticker.class);

    /** Intervals without a tick after which a pod without a clock founds an era. */
    private static final int SILENCE = 3;

    /** Intervals that a first tick is given to be followed by the one that proves the clock, with a reserve. */
    private static final int PATIENCE = 3;

    /** An interval has at most so many parts of jitter, one: in a calm fleet, the pod whose jitter is least publishes all. */
    private static final int JITTER = 10;

    /** What becomes of a tick. */
    enum Outcome {
        /** This pod publishes it. */
        SENT,
        /** This pod has heard it and counts from it, or may do so later. */
        HEARD,
        /** It is a copy, one of another era, or no tick. */
        IGNORED
    }

    /** What can be said of the clock. */
    enum State {
        /** Publications have no positions, and are not about to have any. */
        ABSENT,
        /** Other pods tick, or it is not known yet that they do not. */
        AWAITED,
        /** Publications have positions. */
        VOUCHES
    }

    private final Clock clock = new Clock(ThreadLocalRandom.current().nextLong());
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

    /** Until the subscription ends. */
    private boolean off;

    private boolean paused;

    /** The subscription it belongs to. */
    interface Owner {

        /** Publishes on the clock's channel. */
        void publish(String text);

        /** Whatever was published before has been heard; {@code null} before the first proof. */
        @Nullable
        Instant heardUntil();

        /** This pod has heard something else than most others since the instant. */
        void lost(Instant since);
    }

    /**
     * A clock that hears nothing yet.
     *
     * @param interval between ticks
     */
    Ticker(Duration interval, Time time, FeedListener listener, Owner owner) {
        this.interval = interval;
        this.time = time;
        this.listener = listener;
        this.owner = owner;
    }

    /** Everything that is published from now on is heard. */
    void start() {
        started = true;
        enter(State.AWAITED);
        // One interval and twice the jitter: by then a tick of others has come.
        cancelWait = time.after(interval.plus(interval.dividedBy(JITTER / 2)), this::decideToWait);
        awaitTick();
    }

    /** There are no other pods whose ticks could come. */
    void alone() {
        if (started && !closed && !clock.hears()) {
            publish();
            awaitTick();
        }
    }

    /** Publishes nothing while reading is paused: the ticks of others may be among what is not read. */
    void pause(boolean pause) {
        paused = pause;
    }

    /** Ends it; positions end with it. */
    void close() {
        closed = true;
        cancelTick.run();
        cancelWait.run();
        if (started) {
            enter(State.ABSENT);
        }
    }

    /** The batch with the position before it, after which its publications count. */
    Batch batch(List<Publication> publications) {
        Position before = clock.position();
        if (clock.hears()) {
            for (Publication publication : publications) {
                clock.count(NameHash.of(publication.bytes(), publication.nameLength()), publication.payloadLength());
            }
        }
        return new Batch(before, publications);
    }

    /** Something was published on the clock's channel; in order with {@link #batch}. */
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

    /** Whether it counts. */
    private boolean hear(Tick tick) {
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

    /** Says what this pod has heard where pods differ; the next tick, which decides, comes sooner then. */
    private void vote() {
        for (Summary own = clock.takeSummary(); own != null; own = clock.takeSummary()) {
            owner.publish(own.toString());
            awaitTick();
        }
    }

    private void lost() {
        Instant since = divergence.since(clock.lostAfter(), time.now());
        LOG.warnf("This pod has heard something else than most pods since %s", since);
        enter(State.ABSENT);
        owner.lost(since);
        if (divergence.repeats(time.now())) {
            LOG.error(
                    "Publications have no positions until the next subscription, because this pod has repeatedly heard"
                            + " something else than most pods: Redis, or what is between it and this pod, keeps no order or loses"
                            + " messages");
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

    /** Every attempt has a nonce of its own: two ticks with one would be one point with two places. */
    private void publish() {
        long nonce = ThreadLocalRandom.current().nextLong();
        Tick tick = clock.vouches() ? clock.next(nonce) : founding(nonce);
        if (tick != null) {
            owner.publish(tick.toString());
            listener.tick(Outcome.SENT);
        }
    }

    private Tick founding(long nonce) {
        Era founded =
                new Era(time.now().toEpochMilli(), ThreadLocalRandom.current().nextInt());
        return new Tick(founded, 1, nonce, 0, null);
    }
}
