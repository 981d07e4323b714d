package dev.sluice.feed;

import dev.sluice.log.LogThrottle;
import dev.sluice.redis.ClusterTopology;
import dev.sluice.redis.ClusterTopology.Master;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Publishes each beat on the subscription's node and on every other master of a Redis Cluster that it reaches. With each
 * beat it asks the node for the masters, and connects to those that are new. If one of the connections ends, that node
 * may have died with publications that it had confirmed and not passed on. Confined to the feed's thread.
 */
final class NodeBeats implements BeatConnection {

    private static final Logger LOG = Logger.getLogger(NodeBeats.class);

    /** How long a node may take to connect. */
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    private final Master own;
    private final NodeConnection.Connector connector;
    private final MasterWatch watch;
    private final LogThrottle unreachedLog;
    private final Time time;
    private final Listener listener;

    /** By address. */
    private final Map<String, Link> connecting = new LinkedHashMap<>();

    /** In the order of their copies of a beat; that of the subscription's node is the first. */
    private final List<Link> connected = new ArrayList<>();

    /** The addresses of the masters of which the node told last. */
    private List<String> masters = List.of();

    private boolean started;
    private boolean closed;

    /**
     * Starts to connect.
     *
     * @param own the subscription's node
     * @param unreachedLog when to log that masters can't be reached
     */
    NodeBeats(
            Master own,
            NodeConnection.Connector connector,
            MasterWatch watch,
            LogThrottle unreachedLog,
            Time time,
            Listener listener) {
        this.own = own;
        this.connector = connector;
        this.watch = watch;
        this.unreachedLog = unreachedLog;
        this.time = time;
        this.listener = listener;
        connect(own);
    }

    private void connect(Master master) {
        Link link = new Link(master.address());
        connecting.put(link.address, link);
        link.connect(master);
    }

    /** A connection to one node. */
    private final class Link implements Listener {

        private final String address;
        private @Nullable NodeConnection connection;
        private Runnable cancelTimeout = () -> {};

        Link(String address) {
            this.address = address;
        }

        void connect(Master master) {
            connection = connector.connect(master, this);
            cancelTimeout = time.after(PATIENCE, () -> failed(this, null));
        }

        boolean isOwn() {
            return address.equals(own.address());
        }

        @Override
        public void connected() {
            cancelTimeout.run();
            if (!closed && connecting.remove(address, this)) {
                connected.add(this);
                watch.reached(address);
                if (isOwn()) {
                    ask();
                }
                settle(null);
            }
        }

        @Override
        public void confirmed(long code) {
            watch.confirmed(code);
        }

        @Override
        public void ended(@Nullable Throwable cause) {
            if (closed) {
                return;
            }
            if (connected.contains(this)) {
                watch.ended(isOwn());
                listener.ended(cause);
            } else {
                failed(this, cause);
            }
        }

        void close() {
            cancelTimeout.run();
            if (connection != null) {
                connection.close();
            }
        }
    }

    private void failed(Link link, @Nullable Throwable cause) {
        if (closed || !connecting.remove(link.address, link)) {
            return;
        }
        link.close();
        if (link.isOwn() || (!started && watch.hears(link.address))) {
            // Other connections to it may still work; then these stay in use.
            listener.ended(cause == null ? new IllegalStateException(link.address + " does not answer") : cause);
            return;
        }
        watch.unreached(link.address);
        logUnreached();
        if (started && !mostReached()) {
            listener.ended(unreachable(cause));
        }
        settle(cause);
    }

    /** Asks the subscription's node, because it hears only the masters that it knows. */
    private void ask() {
        Instant asked = time.now();
        NodeConnection connection = connected.get(0).connection;
        if (connection != null) {
            connection.ask(topology -> told(topology, asked));
        }
    }

    private void told(ClusterTopology topology, Instant asked) {
        if (closed) {
            return;
        }
        masters = topology.masters().stream().map(Master::address).toList();
        watch.told(masters, asked);
        for (Master master : topology.masters()) {
            boolean known = connecting.containsKey(master.address())
                    || connected.stream().anyMatch(link -> link.address.equals(master.address()));
            if (!known && connecting.size() + connected.size() < EchoCount.MAX_COPIES) {
                connect(master);
            }
        }
        settle(null);
    }

    private void settle(@Nullable Throwable cause) {
        if (started || closed || masters.isEmpty() || !connecting.isEmpty()) {
            return;
        }
        started = true;
        if (mostReached()) {
            listener.connected();
        } else {
            listener.ended(unreachable(cause));
        }
    }

    /** A cluster works while most of its masters do. Without them, the subscription may be to a node that is cut off. */
    private boolean mostReached() {
        return 2
                        * connected.stream()
                                .filter(link -> masters.contains(link.address))
                                .count()
                > masters.size();
    }

    private static Throwable unreachable(@Nullable Throwable cause) {
        return cause == null ? new IllegalStateException("most masters of the Redis Cluster don't answer") : cause;
    }

    private void logUnreached() {
        long count = unreachedLog.pass();
        if (count > 0) {
            List<String> reached = connected.stream().map(link -> link.address).toList();
            LOG.warnf(
                    "This pod can't connect to masters of the Redis Cluster: %s. It would not notice if their"
                            + " publications did not arrive; it tries again with each canary message",
                    String.join(
                            ", ",
                            masters.stream()
                                    .filter(master -> !reached.contains(master) && !connecting.containsKey(master))
                                    .toList()));
        }
    }

    @Override
    public void publish(long number) {
        ask();
        List<Link> links = List.copyOf(connected);
        watch.await(number, links.stream().map(link -> link.address).toList());
        for (int i = 0; i < links.size(); i++) {
            NodeConnection connection = links.get(i).connection;
            if (connection != null) {
                connection.publish(EchoCount.code(number, i));
            }
        }
    }

    /** Does nothing: a tick belongs to the subscription's node. */
    @Override
    public void tick(String text) {}

    @Override
    public void close() {
        closed = true;
        Stream.concat(connecting.values().stream(), connected.stream()).forEach(Link::close);
    }
}
