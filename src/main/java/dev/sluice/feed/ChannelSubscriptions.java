package dev.sluice.feed;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Subscribes to channels by name on one connection, in mode {@code exact} to all, in mode {@code sharded} to those of one
 * shard. Survives connections: each new one subscribes to all channels again. Confined to the feed's thread
 * unless stated otherwise.
 */
final class ChannelSubscriptions implements CountedChannels {

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

    private final Bounds bounds;
    private final Executor thread;
    private final Map<String, TrackedChannel> channels = new HashMap<>();
    private final CommandWindow commands = new CommandWindow();
    private final UncountedChannels uncounted = new UncountedChannels();
    private final LingeringChannels lingering;
    private Consumer<String> onUnsubscribed = name -> {};
    private Runnable onDisconnected = () -> {};
    private Consumer<String> onLeft = name -> {};
    private Consumer<String> onHeld = name -> {};
    private @Nullable Link link;
    private @Nullable Runnable onStarted;

    /** The channels for which the start of the connection waits. */
    private int initial;

    private int held;

    /** Whether the first connection is being made. */
    private boolean opening;

    private boolean pumping;

    /** @param thread runs tasks on the feed's thread; thread-safe */
    ChannelSubscriptions(Bounds bounds, Time time, Executor thread) {
        this.bounds = bounds;
        this.thread = thread;
        this.lingering = new LingeringChannels(bounds.linger(), bounds.maxLingering(), time, this::pump);
    }

    @Override
    public void whenUnsubscribed(Consumer<String> action) {
        onUnsubscribed = action;
    }

    @Override
    public void whenCounted(Consumer<String> action) {
        uncounted.whenCounted(action);
    }

    @Override
    public void whenDisconnected(Runnable action) {
        onDisconnected = action;
    }

    @Override
    public void ticked(boolean positions) {
        List<ChannelRequest> answered = uncounted.ticked(positions);
        // Later, because the clients' event loops do not know the new position yet.
        if (!answered.isEmpty()) {
            thread.execute(() -> answered.forEach(ChannelRequest::acknowledged));
        }
    }

    /** Calls the action on the feed's thread with each channel that was heard here, and ends here or is moved. */
    void whenLeft(Consumer<String> action) {
        onLeft = action;
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
        thread.execute(() -> request(names, counts, then));
    }

    /** Does what {@link #wanted} does, at once. */
    void want(String name) {
        TrackedChannel channel = get(name);
        channel.setWanted(true);
        lingering.remove(channel);
    }

    /** Does what {@link #unwanted} does, at once. */
    void drop(String name) {
        TrackedChannel channel = channels.get(name);
        if (channel != null) {
            channel.setWanted(false);
            settle(channel);
        }
    }

    /** Does what {@link #join} does, at once. */
    void request(Collection<String> names, boolean counts, Consumer<@Nullable Runnable> then) {
        long added = names.stream().filter(name -> !channels.containsKey(name)).count();
        if (added > 0 && channels.size() - lingering.size() + added > bounds.maxChannels()) {
            ChannelRequest.tell(then, null);
            return;
        }
        List<TrackedChannel> joined = names.stream().map(this::get).toList();
        ChannelRequest request = new ChannelRequest(joined, counts, thread, then);
        boolean hurry = false;
        for (TrackedChannel channel : joined) {
            lingering.remove(channel);
            if (awaits() && (!channel.isHeld() || uncounted.delays(request, channel))) {
                request.await(channel);
                hurry |= channel.isHeld();
            }
        }
        if (link != null && hurry) {
            link.hurry();
        }
        request.completeIfReady();
    }

    /** Returns the channels, those without listeners included. */
    List<String> names() {
        return List.copyOf(channels.keySet());
    }

    /** The first connection is being made, so that requests wait for it. */
    void opens() {
        opening = true;
    }

    /** No connection can be made, so that requests are answered; a loss must have been told before. */
    void giveUp() {
        if (opening) {
            opening = false;
            List<ChannelRequest> requests = new ArrayList<>();
            channels.values().forEach(channel -> requests.addAll(channel.takeRequests()));
            thread.execute(() -> requests.forEach(ChannelRequest::acknowledged));
        }
    }

    /** Whether requests wait: it has a connection, or the first is being made. */
    boolean awaits() {
        return link != null || opening;
    }

    /** Whether it has no channels, and no subscription that ends. */
    boolean isEmpty() {
        return channels.isEmpty() && commands.isQuiet();
    }

    /** Whether the channel has no listeners, and will have none for all that is known. */
    boolean isIdle(String name) {
        TrackedChannel channel = channels.get(name);
        return channel != null && channel.isIdle();
    }

    /** Whether it has this channel. */
    boolean has(String name) {
        return channels.containsKey(name);
    }

    /** Whether Redis has acknowledged the channel's subscription on the present connection. */
    boolean holds(String name) {
        TrackedChannel channel = channels.get(name);
        return channel != null && channel.isHeld();
    }

    /** Whether it waits for Redis to acknowledge the channel's subscription. */
    boolean hasSent(String name) {
        TrackedChannel channel = channels.get(name);
        return channel != null && channel.state() == TrackedChannel.State.SENT;
    }

    /** Redis does not serve these channels any more, so it does not acknowledge the ends of their subscriptions. */
    void forgetLeaving(Predicate<String> names) {
        commands.leaving().stream().filter(names).forEach(this::unsubscribed);
    }

    /** Does what {@link #move} does, and ends the subscription here. */
    void expel(String name, ChannelSubscriptions to) {
        if (link != null) {
            commands.endLater(name);
        }
        move(name, to);
    }

    /**
     * Gives a channel to where another connection subscribes to it, or forgets it if it has no listeners. Its subscription here
     * has ended.
     */
    void move(String name, ChannelSubscriptions to) {
        TrackedChannel channel = channels.remove(name);
        if (channel == null) {
            return;
        }
        boolean heard = channel.isHeld();
        if (heard) {
            held--;
        } else {
            commands.remove(channel);
        }
        lingering.remove(channel);
        uncounted.remove(channel);
        noLongerInitial(channel);
        if (channel.isIdle()) {
            onUnsubscribed.accept(name);
        } else {
            to.adopt(channel);
        }
        if (heard) {
            onLeft.accept(name);
        }
        pump();
        started();
    }

    private void adopt(TrackedChannel channel) {
        channel.reset(this);
        channels.put(channel.name(), channel);
        if (link != null) {
            commands.add(channel);
            pumpSoon();
        } else if (!opening) {
            List<ChannelRequest> requests = channel.takeRequests();
            thread.execute(() -> requests.forEach(ChannelRequest::acknowledged));
        }
    }

    /**
     * A connection can subscribe.
     *
     * @param then called when Redis has acknowledged all channels that have been wanted before
     */
    void connected(Link made, Runnable then) {
        link = made;
        opening = false;
        onStarted = then;
        initial = channels.size();
        for (TrackedChannel channel : channels.values()) {
            channel.delayStart();
            commands.add(channel);
        }
        pump();
        started();
    }

    /**
     * The connection has ended. The requests that wait are answered later, when the gap has been reported.
     *
     * @param ended that connection; any other is ignored
     */
    void disconnected(Link ended) {
        if (!ended.equals(link)) {
            return;
        }
        link = null;
        onStarted = null;
        uncounted.clear();
        List<String> left = commands.takeLeaving();
        commands.clear();
        lingering.clear();
        held = 0;
        List<ChannelRequest> requests = new ArrayList<>();
        for (Iterator<TrackedChannel> all = channels.values().iterator(); all.hasNext(); ) {
            TrackedChannel channel = all.next();
            channel.reset(this);
            requests.addAll(channel.takeRequests());
            if (channel.isIdle()) {
                all.remove();
                onUnsubscribed.accept(channel.name());
            }
        }
        left.stream().filter(name -> !has(name)).forEach(onUnsubscribed);
        onDisconnected.run();
        thread.execute(() -> requests.forEach(ChannelRequest::acknowledged));
    }

    /** Redis has acknowledged a subscription. */
    void subscribed(String name) {
        commands.acknowledged();
        if (commands.ends(name)) {
            return;
        }
        if (!hasSent(name)) {
            endIfUnknown(name);
            return;
        }
        TrackedChannel channel = get(name);
        channel.enter(TrackedChannel.State.HELD);
        commands.subscribed();
        held++;
        noLongerInitial(channel);
        uncounted.add(channel);
        List<ChannelRequest> requests = channel.takeRequests();
        onHeld.accept(name);
        for (ChannelRequest request : requests) {
            if (uncounted.delays(request, channel)) {
                channel.addRequest(request);
            } else {
                request.acknowledged();
            }
        }
        if (channel.isAwaited() && link != null) {
            link.hurry();
        }
        settle(channel);
        pump();
        started();
    }

    /** Ends a subscription that was acknowledged after its channel has moved. */
    private void endIfUnknown(String name) {
        if (!has(name)) {
            commands.endLater(name);
            pump();
        }
    }

    /** A subscription has ended; returns false if this pod has not asked for that. */
    boolean unsubscribed(String name) {
        commands.acknowledged();
        if (!commands.unsubscribed(name)) {
            return false;
        }
        onUnsubscribed.accept(name);
        pump();
        return true;
    }

    /** See {@link CommandWindow#isStuck}. */
    boolean isStuck(int beats) {
        return commands.isStuck(beats);
    }

    @Override
    public int subscribed() {
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

    private TrackedChannel get(String name) {
        return channels.computeIfAbsent(name, missing -> {
            TrackedChannel added = new TrackedChannel(missing, this);
            if (link != null) {
                commands.add(added);
                pumpSoon();
            }
            return added;
        });
    }

    /** The listeners of a request are known. */
    void release(TrackedChannel channel) {
        channel.release();
        settle(channel);
    }

    /** Lets a channel linger, or forgets it, if it is not needed any more. */
    private void settle(TrackedChannel channel) {
        if (!channel.isIdle()) {
            return;
        }
        if (link == null) {
            channels.remove(channel.name());
            onUnsubscribed.accept(channel.name());
        } else if (channel.isHeld()) {
            lingering.add(channel);
            if (lingering.exceed()) {
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
        for (List<String> names = commands.subscribeNext(); !names.isEmpty(); names = commands.subscribeNext()) {
            current.subscribe(names);
        }
        while (commands.mayUnsubscribe() && (commands.hasEnding() || lingering.isDue())) {
            List<String> names = commands.unsubscribeNext();
            while (names.size() < CommandWindow.SLICE && lingering.isDue()) {
                names.add(leave());
            }
            current.unsubscribe(names);
        }
    }

    private String leave() {
        TrackedChannel left = lingering.poll();
        channels.remove(left.name());
        uncounted.remove(left);
        commands.unsubscribe(left.name());
        held--;
        // Not at the acknowledgement, as it may be wanted elsewhere by then.
        onLeft.accept(left.name());
        return left.name();
    }

    private void noLongerInitial(TrackedChannel channel) {
        if (channel.stopDelayingStart()) {
            initial--;
        }
    }

    private void started() {
        Runnable then = onStarted;
        if (initial == 0 && then != null) {
            onStarted = null;
            then.run();
        }
    }
}
