package dev.sluice.feed;

import dev.sluice.redis.ClusterTopology.Master;
import java.time.Instant;

/** A supervised connection to a master, and the channels on it. Confined to the feed's thread unless stated otherwise. */
final class Shard {

    /** How far the connection is. */
    enum State {
        /** The first attempt to connect is under way. */
        OPENING,
        LIVE,
        DOWN
    }

    /** With its present slots. */
    private Master master;

    private final ChannelSubscriptions channels;
    private volatile State state = State.OPENING;

    /** Until when its channels have been heard for certain. */
    private Instant since;

    /** When a channel was last wanted, in {@link Time#nanos}. */
    private long used;

    Shard(Master master, ChannelSubscriptions channels, Time time) {
        this.master = master;
        this.channels = channels;
        this.since = time.now();
        this.used = time.nanos();
    }

    Master master() {
        return master;
    }

    /** The master has other slots. */
    void follow(Master now) {
        master = now;
    }

    ChannelSubscriptions channels() {
        return channels;
    }

    /** May be called by any thread. */
    State state() {
        return state;
    }

    void enter(State next) {
        state = next;
    }

    /** May be called by any thread. */
    boolean isLive() {
        return state == State.LIVE;
    }

    /** May be called by any thread. */
    boolean isDown() {
        return state == State.DOWN;
    }

    Instant since() {
        return since;
    }

    void heardUntil(Instant instant) {
        since = instant;
    }

    long used() {
        return used;
    }

    void use(long nanos) {
        used = nanos;
    }
}
