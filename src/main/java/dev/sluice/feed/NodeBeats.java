package dev.sluice.feed;

import dev.sluice.log.LogThrottle;
import dev.sluice.redis.ClusterTopology.Master;
import io.vertx.core.Context;
import io.vertx.redis.client.Redis;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Publishes each beat on every master of a Redis Cluster that it reaches. If one of these connections ends, the node may
 * have died with publications that it had confirmed and not passed on. Confined to the feed's thread.
 */
final class NodeBeats implements BeatConnection {

    private static final Logger LOG = Logger.getLogger(NodeBeats.class);

    /** How long a master may take to connect; then it is left out. */
    private static final long PATIENCE_MILLIS = TimeUnit.SECONDS.toMillis(1);

    private final LogThrottle unreachedLog;
    private final Function<Master, Redis> clients;
    private final String channel;
    private final EchoCount echoes;
    private final Context context;
    private final Listener listener;
    private final Consumer<Master> onEnd;
    private final Map<Master, BeatConnection> connecting = new LinkedHashMap<>();
    private final List<BeatConnection> connected = new ArrayList<>();
    private final List<String> unreached = new ArrayList<>();
    private boolean started;
    private boolean closed;

    /**
     * Starts to connect.
     *
     * @param clients makes a client of a master
     * @param channel on which the subscription hears beats
     * @param context where the listeners are called
     * @param onEnd told before the listener of the master whose connection has ended
     */
    NodeBeats(
            NodeChoice choice,
            Function<Master, Redis> clients,
            String channel,
            EchoCount echoes,
            Context context,
            Listener listener,
            Consumer<Master> onEnd) {
        this.clients = clients;
        this.channel = channel;
        this.echoes = echoes;
        this.context = context;
        this.listener = listener;
        this.onEnd = onEnd;
        this.unreachedLog = choice.unreached();
        choice.nodes()
                .ask()
                .onComplete(asked -> context.runOnContext(x -> {
                    if (asked.failed()) {
                        listener.ended(asked.cause());
                    } else if (!closed) {
                        connect(asked.result().masters());
                    }
                }));
    }

    private void connect(List<Master> masters) {
        for (Master master : masters.subList(0, Math.min(masters.size(), EchoCount.MAX_COPIES))) {
            connecting.put(
                    master,
                    new BeatPublisher(
                            clients.apply(master), channel, BeatPublisher.Kind.NODE, null, context, new One(master)));
        }
        context.owner()
                .setTimer(
                        PATIENCE_MILLIS,
                        fired -> context.runOnContext(
                                x -> List.copyOf(connecting.keySet()).forEach(late -> failed(late, null))));
    }

    private final class One implements Listener {

        private final Master master;

        One(Master master) {
            this.master = master;
        }

        @Override
        public void connected() {
            BeatConnection made = connecting.remove(master);
            if (made != null && !closed) {
                connected.add(made);
                settle(null);
            }
        }

        @Override
        public void ended(@Nullable Throwable cause) {
            if (closed) {
                return;
            }
            if (connecting.containsKey(master)) {
                failed(master, cause);
            } else if (!unreached.contains(master.address())) {
                onEnd.accept(master);
                listener.ended(cause);
            }
        }
    }

    private void failed(Master master, @Nullable Throwable cause) {
        BeatConnection late = connecting.remove(master);
        if (late != null) {
            late.close();
            unreached.add(master.address());
            settle(cause);
        }
    }

    /** A cluster works while most of its masters do. Without them, the subscription may be to a node that is cut off. */
    private void settle(@Nullable Throwable cause) {
        if (!connecting.isEmpty() || started || closed) {
            return;
        }
        started = true;
        if (connected.size() <= unreached.size()) {
            listener.ended(
                    cause == null
                            ? new IllegalStateException("most masters of the Redis Cluster don't answer")
                            : cause);
            return;
        }
        long count = unreached.isEmpty() ? 0 : unreachedLog.pass();
        if (count > 0) {
            LOG.warnf(
                    "This pod can't connect to masters of the Redis Cluster: %s. It would not notice if their"
                            + " publications did not arrive; it tries again with its next connections",
                    String.join(", ", unreached));
        }
        listener.connected();
    }

    @Override
    public void publish(long number) {
        echoes.await(number, connected.size());
        for (int i = 0; i < connected.size(); i++) {
            connected.get(i).publish(EchoCount.code(number, i));
        }
    }

    /** Does nothing: a tick belongs to the subscription's node. */
    @Override
    public void tick(String text) {}

    @Override
    public void close() {
        closed = true;
        connecting.values().forEach(BeatConnection::close);
        connected.forEach(BeatConnection::close);
    }
}
