package dev.sluice.feed;

import dev.sluice.log.LogThrottle;
import dev.sluice.redis.ClusterTopology.Master;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The connections to masters, of which there is a maximum: each is opened for the first channel, and closed after the linger of
 * the last one. Confined to the feed's thread unless stated otherwise.
 */
final class OpenShards {

    private static final Logger LOG = Logger.getLogger(Shards.class);

    private final int max;
    private final Duration linger;
    private final Time time;
    private final Function<Master, Shard> make;
    private final Function<Shard, Runnable> connect;
    private final LogThrottle tooMany = new LogThrottle();

    /** By the ID of the master. */
    private final Map<String, Shard> shards = new LinkedHashMap<>();

    /** What ends each connection. */
    private final Map<Shard, Runnable> ends = new LinkedHashMap<>();

    /** Those that may be closed soon. */
    private final Set<Shard> closing = new HashSet<>();

    private volatile List<Shard> all = List.of();
    private volatile boolean started;
    private boolean stopped;

    /**
     * Creates it without connecting.
     *
     * @param max the maximum of connections
     * @param linger how long a connection without channels is kept
     * @param connect keeps a connection open; returns what ends it
     */
    OpenShards(int max, Duration linger, Time time, Function<Master, Shard> make, Function<Shard, Runnable> connect) {
        this.max = max;
        this.linger = linger;
        this.time = time;
        this.make = make;
        this.connect = connect;
    }

    /** May be called by any thread. */
    List<Shard> all() {
        return all;
    }

    /** Returns the connection to a master; {@code null} if there is none. */
    @Nullable
    Shard get(Master master) {
        return shards.get(master.id());
    }

    /** Returns the connection to a master; {@code null} if there are too many, or this has stopped. */
    @Nullable
    Shard open(Master master) {
        Shard known = get(master);
        if (known != null || stopped) {
            return known;
        }
        if (shards.size() >= max) {
            shards.values().stream()
                    .filter(shard -> shard.channels().isEmpty())
                    .findFirst()
                    .ifPresent(this::close);
        }
        if (shards.size() >= max) {
            excess();
            return null;
        }
        Shard opened = make.apply(master);
        shards.put(master.id(), opened);
        opened.channels().opens();
        ends.put(opened, connect.apply(opened));
        present();
        return opened;
    }

    private void excess() {
        long count = tooMany.pass();
        if (count > 0) {
            LOG.errorf(
                    "Clients want channels of more masters than sluice.feed.max-shards, which is %d: the channels of the others"
                            + " are not heard, and their clients have a gap",
                    max);
        }
    }

    /** Removes the connections to other masters than these, and to other addresses; the caller must {@link #end} them. */
    List<Shard> removeAllBut(Map<String, Master> masters) {
        List<Shard> gone = new ArrayList<>();
        for (Iterator<Shard> present = shards.values().iterator(); present.hasNext(); ) {
            Shard shard = present.next();
            Master now = masters.get(shard.master().id());
            if (now == null || !now.address().equals(shard.master().address())) {
                present.remove();
                gone.add(shard);
            } else {
                shard.follow(now);
            }
        }
        present();
        return gone;
    }

    /** Closes connections without channels, after the linger of the last one. */
    void closeUnused() {
        List.copyOf(shards.values()).forEach(this::closeLater);
    }

    /** Closes a connection if it has no channels, after the linger of the last one. */
    void closeLater(Shard shard) {
        if (!started || !shard.channels().isEmpty() || !closing.add(shard)) {
            return;
        }
        time.after(Duration.ofNanos(Math.max(0, unusedUntil(shard) - time.nanos())), () -> {
            closing.remove(shard);
            if (unusedUntil(shard) - time.nanos() > 0) {
                closeLater(shard);
            } else if (shard.equals(get(shard.master())) && shard.channels().isEmpty()) {
                close(shard);
            }
        });
    }

    private long unusedUntil(Shard shard) {
        return shard.used() + linger.toNanos();
    }

    private void close(Shard shard) {
        shards.remove(shard.master().id());
        end(shard);
        present();
    }

    /** Ends a connection that was removed. */
    void end(Shard shard) {
        Runnable end = ends.remove(shard);
        if (end != null) {
            end.run();
        }
    }

    private void present() {
        all = List.copyOf(shards.values());
    }

    /** A master is heard. */
    void heard() {
        started = true;
    }

    /** Whether a master has been heard. May be called by any thread. */
    boolean haveHeard() {
        return started;
    }

    /**
     * Whether the pod can hear channels: it has heard a master once, and not all masters of wanted channels are down. May be called
     * by any thread.
     */
    boolean hear() {
        List<Shard> needed = all.stream()
                .filter(shard ->
                        shard.channels().subscribed() + shard.channels().pending() > 0)
                .toList();
        return started && (needed.isEmpty() || !needed.stream().allMatch(Shard::isDown));
    }

    /** The number of connections that are live, or are not. May be called by any thread, for metrics. */
    long count(boolean live) {
        return all.stream().filter(shard -> shard.isLive() == live).count();
    }

    boolean haveStopped() {
        return stopped;
    }

    /** Ends all connections, and makes no more. */
    void stop() {
        stopped = true;
        List.copyOf(ends.values()).forEach(Runnable::run);
        ends.clear();
    }
}
