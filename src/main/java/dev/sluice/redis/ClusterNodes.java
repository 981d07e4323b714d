package dev.sluice.redis;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisClientType;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.RedisOptions;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Asks the nodes of a Redis Cluster for its topology, each on a connection of its own: those that are known, then those
 * that are configured, until one answers that is in contact with most masters; one that is not may not know the present ones.
 * Thread-safe.
 */
public final class ClusterNodes {

    /** How long one node may take to answer. */
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    /** The time after which no further node is asked. */
    private static final Duration MAX_SEARCH = Duration.ofSeconds(4);

    private final Vertx vertx;
    private final RedisOptions options;
    private final Duration maxAge;
    private final Duration patience;

    /**
     * What a node has told.
     *
     * @param quorum whether it is in contact with most masters, or refuses to tell
     */
    private record Told(ClusterTopology topology, boolean quorum) {}

    private @Nullable ClusterTopology known;
    private @Nullable Future<ClusterTopology> asking;
    private long askedNanos;
    private boolean valid;

    /** By how many places the list of nodes is rotated, so that one that does not answer is not asked first again. */
    private int first;

    /**
     * Creates it without asking.
     *
     * @param options the addresses of some nodes, and how to connect to all
     * @param maxAge the time after which {@link #topology} asks again
     */
    public ClusterNodes(Vertx vertx, RedisOptions options, Duration maxAge) {
        this(vertx, options, maxAge, PATIENCE);
    }

    /** @param patience how long one node may take to answer */
    ClusterNodes(Vertx vertx, RedisOptions options, Duration maxAge, Duration patience) {
        this.vertx = vertx;
        this.options = options;
        this.maxAge = maxAge;
        this.patience = patience;
    }

    /** Returns the topology; asks for it if it is unknown, or has turned out to be wrong. */
    synchronized Future<ClusterTopology> topology() {
        ClusterTopology last = known;
        if (last == null || !valid) {
            return ask();
        }
        if (System.nanoTime() - askedNanos > maxAge.toNanos()) {
            ask();
        }
        return Future.succeededFuture(last);
    }

    /** The known topology has turned out to be wrong. */
    synchronized void invalidate() {
        valid = false;
    }

    /** Asks for the topology. */
    public synchronized Future<ClusterTopology> ask() {
        Future<ClusterTopology> current = asking;
        if (current == null) {
            askedNanos = System.nanoTime();
            valid = true;
            Promise<ClusterTopology> answer = Promise.promise();
            current = answer.future();
            asking = current;
            try {
                ask(List.copyOf(endpoints()), 0, null, answer);
            } catch (RuntimeException e) {
                end(null);
                answer.tryFail(e);
            }
        }
        return current;
    }

    private Set<String> endpoints() {
        Set<String> all = new LinkedHashSet<>();
        ClusterTopology last = known;
        if (last != null) {
            last.masters().forEach(master -> all.add(endpoint(master.address())));
        }
        all.addAll(options.getEndpoints());
        List<String> rotated = new ArrayList<>(all);
        Collections.rotate(rotated, -first);
        return new LinkedHashSet<>(rotated);
    }

    /** @param minority what a node has told that is not in contact with most masters */
    private void ask(
            List<String> endpoints, int index, @Nullable ClusterTopology minority, Promise<ClusterTopology> answer) {
        ask(endpoints.get(index)).onComplete(asked -> {
            Told told = asked.result();
            ClusterTopology best = told == null || (!told.quorum() && minority != null) ? minority : told.topology();
            if (told != null && told.quorum()) {
                end(best);
                answer.complete(best);
            } else if (rotate() && index + 1 < endpoints.size()) {
                ask(endpoints, index + 1, best, answer);
            } else if (best != null) {
                end(best);
                answer.complete(best);
            } else {
                end(null);
                answer.fail(asked.cause());
            }
        });
    }

    /** Returns whether there is time to ask another node. */
    private synchronized boolean rotate() {
        first++;
        return System.nanoTime() - askedNanos < MAX_SEARCH.toNanos();
    }

    private synchronized void end(@Nullable ClusterTopology topology) {
        asking = null;
        if (topology == null) {
            valid = false;
        } else {
            known = topology;
        }
    }

    /** Never throws, as nothing would be asked again then. */
    private Future<Told> ask(String endpoint) {
        try {
            return connect(endpoint);
        } catch (RuntimeException e) {
            return Future.failedFuture(e);
        }
    }

    private Future<Told> connect(String endpoint) {
        Redis client = Redis.createClient(vertx, optionsOf(endpoint));
        Promise<Told> answer = Promise.promise();
        long timer = vertx.setTimer(
                patience.toMillis(), fired -> answer.tryFail("a node of the Redis Cluster does not answer"));
        client.connect()
                .compose(connection -> connection
                        .send(Request.cmd(Command.CLUSTER).arg("SLOTS"))
                        .map(reply -> topology(reply, endpoint))
                        .compose(topology -> hasQuorum(connection).map(quorum -> new Told(topology, quorum))))
                .onSuccess(answer::tryComplete)
                .onFailure(answer::tryFail);
        return answer.future().onComplete(answered -> {
            vertx.cancelTimer(timer);
            client.close();
        });
    }

    private static Future<Boolean> hasQuorum(RedisConnection connection) {
        return OptionalCommand.send(connection, Request.cmd(Command.CLUSTER).arg("NODES"))
                .map(nodes ->
                        nodes == null || ClusterContacts.of(nodes.toString()).hasQuorum());
    }

    private static ClusterTopology topology(Response reply, String endpoint) {
        ClusterTopology topology =
                ClusterTopology.of(reply, URI.create(endpoint).getHost());
        if (topology.masters().isEmpty()) {
            throw new IllegalStateException("the Redis Cluster has no masters with slots");
        }
        return topology;
    }

    /** Returns the options of a client that connects to one node only. */
    public RedisOptions optionsOf(String endpoint) {
        return new RedisOptions(options).setType(RedisClientType.STANDALONE).setEndpoints(List.of(endpoint));
    }

    /** Returns the URI of a node: that of the first configured one with another address. */
    public String endpoint(String address) {
        URI configured = URI.create(options.getEndpoints().get(0));
        String user = configured.getRawUserInfo() == null ? "" : configured.getRawUserInfo() + "@";
        String query = configured.getRawQuery() == null ? "" : "?" + configured.getRawQuery();
        return configured.getScheme() + "://" + user + address + query;
    }
}
