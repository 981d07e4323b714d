package dev.sluice.feed;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Subscribes to channels by name on one connection, in mode {@code exact} to all, in mode {@code sharded} to those of one
 * shard. Commands have many names each, and few names are unacknowledged at a time, so that neither side
 * buffers much. Survives connections: each new one subscribes to all channels again. Confined to the feed's thread
 * unless stated otherwise.
 */
final class ChannelSubscriptions implements CountedChannels {

    /** The maximum names of one command, each at most some 300 bytes. */
    static final int SLICE = 256;

    /** The maximum names that Redis has not acknowledged yet. */
    static final int WINDOW = 4 * SLICE;

    /** How much later than they could, subscriptions end, so that many end with one command. */
    private static final long SWEEP_MILLIS = 100;

    private static final Logger LOG = Logger.getLogger(ChannelSubscriptions.class);

    /** Sends commands on one connection, whose acknowledgements come in the same order. */
    interface Link {
        void subscribe(List<String> names);

        void unsubscribe(List<String> names);

        /** Asks for a tick of the clock soon, because clients wait for it. */
        default void hurry() {}
    }

    /**
     * Bounds.
     *
     * @param maxChannels beyond it, clients can't add channels
     * @param linger how long a channel without listeners is kept, because they may come back
     * @param maxLingering beyond it, those that wait longest are not kept
     */
    record Bounds(int maxChannels, Duration linger, int maxLingering) {}

    /** A request that waits until channels are acknowledged. */
    private final class Join {

        private final List<Tracked> channels;
        private final Consumer<@Nullable Runnable> then;
        /** Whether it waits until channels are counted. */
        private final boolean counts;

        private int missing;
        private boolean done;

        Join(List<Tracked> channels, boolean counts, Consumer<@Nullable Runnable> then) {
            this.channels = channels;
            this.counts = counts;
            this.then = then;
        }

        boolean waitsFor(Tracked channel) {
            return counts && ticks && !channel.counted;
        }

        void acknowledged() {
            missing--;
            if (missing <= 0) {
                complete();
            }
        }

        void complete() {
            if (!done) {
                done = true;
                tell(then, () -> thread.execute(() -> channels.forEach(channel -> channel.owner.release(channel))));
            }
        }
    }

    private enum State {
        /** It waits for a command. */
        WAITING,
        /** The command was sent. */
        SENT,
        /** Redis has acknowledged. */
        HELD
    }

    private static final class Tracked {

        private final String name;
        private ChannelSubscriptions owner;
        private State state = State.WAITING;

        /** Whether it has listeners. */
        private boolean wanted;

        /** The requests that were answered and whose listeners may not be known yet, and those that wait. */
        private int reserved;

        /** Whether the start of the connection waits for it. */
        private boolean initial;

        /** Whether a tick has followed the acknowledgement. */
        private boolean counted;

        /** When it ends, unless it gets listeners; in {@link Time#nanos}. */
        private long lingersUntil;

        private List<Join> joins = new ArrayList<>(1);

        Tracked(String name, ChannelSubscriptions owner) {
            this.name = name;
            this.owner = owner;
        }

        boolean idle() {
            return !wanted && reserved == 0;
        }
    }

    private final Bounds bounds;
    private final Time time;
    private final Executor thread;
    private final Map<String, Tracked> channels = new HashMap<>();
    private final Queue<Tracked> waiting = new ArrayDeque<>();

    /** Those without listeners, in the order in which they end. */
    private final Set<Tracked> lingering = new LinkedHashSet<>();

    /** The names of commands that end subscriptions and are unacknowledged. */
    private final Set<String> leaving = new HashSet<>();

    /** The acknowledged ones that no tick has followed. */
    private Set<Tracked> uncounted = new LinkedHashSet<>();

    /** Whether publications have positions, so that ticks follow. */
    private boolean ticks;

    private Consumer<String> onLeft = name -> {};
    private Consumer<String> onCounted = name -> {};
    private Runnable onDisconnected = () -> {};
    private Consumer<String> onHeld = name -> {};
    private @Nullable Link link;
    private @Nullable Runnable onStarted;
    private int initial;
    private int sent;
    private int held;
    private long acknowledgements;
    private long acknowledgementsBefore;
    private int silentBeats;
    private boolean pumping;
    private boolean sweeping;

    /** @param thread runs tasks on the feed's thread; thread-safe */
    ChannelSubscriptions(Bounds bounds, Time time, Executor thread) {
        this.bounds = bounds;
        this.time = time;
        this.thread = thread;
    }

    @Override
    public void whenLeft(Consumer<String> action) {
        onLeft = action;
    }

    @Override
    public void whenCounted(Consumer<String> action) {
        onCounted = action;
    }

    @Override
    public void whenDisconnected(Runnable action) {
        onDisconnected = action;
    }

    @Override
    public void ticked(boolean positions) {
        ticks = positions;
        Set<Tracked> now = uncounted;
        if (positions) {
            uncounted = new LinkedHashSet<>();
            for (Tracked channel : now) {
                channel.counted = true;
                onCounted.accept(channel.name);
            }
        }
        List<Join> answered = new ArrayList<>();
        for (Tracked channel : now) {
            answered.addAll(channel.joins);
            channel.joins = new ArrayList<>(1);
        }
        // Later, because the clients' event loops do not know the new position yet.
        if (!answered.isEmpty()) {
            thread.execute(() -> answered.forEach(Join::acknowledged));
        }
    }

    /** Calls the action on the feed's thread with each channel whose subscription is acknowledged. */
    void whenHeld(Consumer<String> action) {
        onHeld = action;
    }

    @Override
    public void wanted(String name) {
        thread.execute(() -> want(name));
    }

    @Override
    public void unwanted(String name) {
        thread.execute(() -> drop(name));
    }

    @Override
    public void join(Collection<String> names, boolean counts, Consumer<@Nullable Runnable> then) {
        thread.execute(() -> await(names, counts, then));
    }

    /** Does what {@link #wanted} does, at once. */
    void want(String name) {
        Tracked channel = get(name);
        channel.wanted = true;
        lingering.remove(channel);
    }

    /** Does what {@link #unwanted} does, at once. */
    void drop(String name) {
        Tracked channel = channels.get(name);
        if (channel != null) {
            channel.wanted = false;
            settle(channel);
        }
    }

    /** Does what {@link #join} does, at once. */
    void await(Collection<String> names, boolean counts, Consumer<@Nullable Runnable> then) {
        long added = names.stream().filter(name -> !channels.containsKey(name)).count();
        if (added > 0 && channels.size() - lingering.size() + added > bounds.maxChannels()) {
            tell(then, null);
            return;
        }
        List<Tracked> joined = names.stream().map(this::get).toList();
        Join join = new Join(joined, counts, then);
        boolean hurry = false;
        for (Tracked channel : joined) {
            channel.reserved++;
            lingering.remove(channel);
            if (link != null && (channel.state != State.HELD || join.waitsFor(channel))) {
                channel.joins.add(join);
                join.missing++;
                hurry |= channel.state == State.HELD;
            }
        }
        if (link != null && hurry) {
            link.hurry();
        }
        if (join.missing == 0) {
            join.complete();
        }
    }

    /** Returns the channels, those without listeners included. */
    List<String> names() {
        return List.copyOf(channels.keySet());
    }

    /** Whether it has a connection, so that requests wait for it. */
    boolean isConnected() {
        return link != null;
    }

    /** Whether it has this channel. */
    boolean has(String name) {
        return channels.containsKey(name);
    }

    /** Whether Redis has acknowledged the channel's subscription on the present connection. */
    boolean holds(String name) {
        Tracked channel = channels.get(name);
        return channel != null && channel.state == State.HELD;
    }

    /** Whether it waits for Redis to acknowledge the channel's subscription. */
    boolean hasSent(String name) {
        Tracked channel = channels.get(name);
        return channel != null && channel.state == State.SENT;
    }

    /** Redis does not serve these channels any more, so it does not acknowledge the ends of their subscriptions. */
    void forgetLeaving(Predicate<String> names) {
        for (String name : List.copyOf(leaving)) {
            if (names.test(name)) {
                unsubscribed(name);
            }
        }
    }

    /** Gives a channel to where another connection subscribes to it, or forgets it if it has no listeners. */
    void move(String name, ChannelSubscriptions to) {
        Tracked channel = channels.remove(name);
        if (channel == null) {
            return;
        }
        if (channel.state == State.HELD) {
            held--;
        } else if (channel.state == State.SENT) {
            sent--;
        } else {
            waiting.remove(channel);
        }
        lingering.remove(channel);
        uncounted.remove(channel);
        channel.counted = false;
        if (channel.initial) {
            channel.initial = false;
            initial--;
        }
        if (channel.idle()) {
            onLeft.accept(name);
        } else {
            to.adopt(channel);
        }
        pump();
        started();
    }

    private void adopt(Tracked channel) {
        channel.owner = this;
        channel.state = State.WAITING;
        channels.put(channel.name, channel);
        if (link == null) {
            List<Join> joins = channel.joins;
            channel.joins = new ArrayList<>(1);
            thread.execute(() -> joins.forEach(Join::complete));
        } else {
            waiting.add(channel);
            pumpSoon();
        }
    }

    /**
     * A connection can subscribe.
     *
     * @param then called when Redis has acknowledged all channels that have been wanted before
     */
    void connected(Link made, Runnable then) {
        link = made;
        onStarted = then;
        initial = channels.size();
        for (Tracked channel : channels.values()) {
            channel.initial = true;
            waiting.add(channel);
        }
        pump();
        started();
    }

    /**
     * The connection has ended. The joins that wait are told later, when the gap has been reported.
     *
     * @param ended that connection; any other is ignored
     */
    void disconnected(Link ended) {
        if (!ended.equals(link)) {
            return;
        }
        link = null;
        onStarted = null;
        ticks = false;
        uncounted.clear();
        waiting.clear();
        lingering.clear();
        leaving.clear();
        sent = 0;
        held = 0;
        silentBeats = 0;
        List<Join> joins = new ArrayList<>();
        for (Iterator<Tracked> all = channels.values().iterator(); all.hasNext(); ) {
            Tracked channel = all.next();
            channel.state = State.WAITING;
            channel.initial = false;
            channel.counted = false;
            joins.addAll(channel.joins);
            channel.joins = new ArrayList<>(1);
            if (channel.idle()) {
                all.remove();
                onLeft.accept(channel.name);
            }
        }
        onDisconnected.run();
        thread.execute(() -> joins.forEach(Join::complete));
    }

    /** Redis has acknowledged a subscription. */
    void subscribed(String name) {
        acknowledgements++;
        Tracked channel = channels.get(name);
        if (channel == null || channel.state != State.SENT) {
            return;
        }
        channel.state = State.HELD;
        sent--;
        held++;
        if (channel.initial) {
            channel.initial = false;
            initial--;
        }
        uncounted.add(channel);
        List<Join> joins = channel.joins;
        channel.joins = new ArrayList<>(1);
        onHeld.accept(name);
        for (Join join : joins) {
            if (join.waitsFor(channel)) {
                channel.joins.add(join);
            } else {
                join.acknowledged();
            }
        }
        if (!channel.joins.isEmpty() && link != null) {
            link.hurry();
        }
        settle(channel);
        pump();
        started();
    }

    /** A subscription has ended; returns false if this pod has not asked for that. */
    boolean unsubscribed(String name) {
        acknowledgements++;
        if (!leaving.remove(name)) {
            return false;
        }
        onLeft.accept(name);
        pump();
        return true;
    }

    /**
     * Whether Redis acknowledges nothing any more. To be called at each beat while the connection is read.
     *
     * @param beats the number of beats within which it must acknowledge something
     */
    boolean isStuck(int beats) {
        boolean silent = sent + leaving.size() > 0 && acknowledgements == acknowledgementsBefore;
        acknowledgementsBefore = acknowledgements;
        silentBeats = silent ? silentBeats + 1 : 0;
        return silentBeats >= beats;
    }

    @Override
    public int held() {
        return Math.max(0, held - lingering.size());
    }

    @Override
    public int pending() {
        return Math.max(0, channels.size() - held);
    }

    @Override
    public int lingering() {
        return lingering.size();
    }

    private Tracked get(String name) {
        return channels.computeIfAbsent(name, missing -> {
            Tracked added = new Tracked(missing, this);
            if (link != null) {
                waiting.add(added);
                pumpSoon();
            }
            return added;
        });
    }

    private void release(Tracked channel) {
        channel.reserved--;
        settle(channel);
    }

    /** Lets a channel linger, or forgets it, if it is not needed any more. */
    private void settle(Tracked channel) {
        if (!channel.idle()) {
            return;
        }
        if (link == null) {
            channels.remove(channel.name);
            onLeft.accept(channel.name);
        } else if (channel.state == State.HELD && lingering.add(channel)) {
            channel.lingersUntil = time.nanos() + bounds.linger().toNanos();
            sweepLater();
            if (lingering.size() > bounds.maxLingering()) {
                pumpSoon();
            }
        }
    }

    /** Sends commands later, so that they have the names of all tasks that wait now. */
    private void pumpSoon() {
        if (!pumping) {
            pumping = true;
            thread.execute(() -> {
                pumping = false;
                pump();
            });
        }
    }

    private void pump() {
        Link current = link;
        if (current == null) {
            return;
        }
        for (int count = Math.min(SLICE, waiting.size());
                count > 0 && sent + count <= WINDOW;
                count = Math.min(SLICE, waiting.size())) {
            List<String> names = new ArrayList<>(count);
            for (int i = 0; i < count; i++) {
                Tracked next = Objects.requireNonNull(waiting.poll());
                next.state = State.SENT;
                names.add(next.name);
            }
            sent += count;
            current.subscribe(names);
        }
        while (leaving.size() + SLICE <= WINDOW && isDue()) {
            List<String> names = new ArrayList<>();
            while (names.size() < SLICE && isDue()) {
                names.add(leave());
            }
            current.unsubscribe(names);
        }
    }

    private boolean isDue() {
        return lingering.size() > bounds.maxLingering()
                || (!lingering.isEmpty() && lingering.iterator().next().lingersUntil - time.nanos() <= 0);
    }

    private String leave() {
        Iterator<Tracked> oldest = lingering.iterator();
        Tracked left = oldest.next();
        oldest.remove();
        channels.remove(left.name);
        uncounted.remove(left);
        leaving.add(left.name);
        held--;
        return left.name;
    }

    private void sweepLater() {
        if (!sweeping && !lingering.isEmpty()) {
            sweeping = true;
            long nanos = lingering.iterator().next().lingersUntil - time.nanos();
            time.after(Duration.ofNanos(Math.max(0, nanos)).plusMillis(SWEEP_MILLIS), () -> {
                sweeping = false;
                pump();
                sweepLater();
            });
        }
    }

    private void started() {
        Runnable then = onStarted;
        if (initial == 0 && then != null) {
            onStarted = null;
            then.run();
        }
    }

    private static void tell(Consumer<@Nullable Runnable> then, @Nullable Runnable release) {
        try {
            then.accept(release);
        } catch (RuntimeException e) {
            LOG.error("Sluice failed to answer after a subscription. Please report this bug", e);
            if (release != null) {
                release.run();
            }
        }
    }
}
