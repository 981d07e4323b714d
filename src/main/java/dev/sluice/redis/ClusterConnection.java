package dev.sluice.redis;

import io.smallrye.mutiny.Uni;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Sends commands to the masters of a Redis Cluster, with one connection for each, opened on demand: a command with a key
 * to the one that serves its slot, the others always to the same one, so that it keeps their order, until that one
 * fails. Follows redirections. The client library's connection to a cluster would fail while any of the nodes is
 * unreachable, as in {@code ClusterIT.deathOfAnotherMasterIsAGapOnTheSameNode}.
 */
final class ClusterConnection implements CommandConnection {

    private static final int MAX_REDIRECTIONS = 5;

    private final Vertx vertx;
    private final ClusterNodes nodes;
    private final Duration timeout;
    private final Duration reconnect;
    private final Context context;

    /** By address; used on the context only. */
    private final Map<String, ServerConnection> connections = new HashMap<>();

    /** The master for commands without keys, modulo their number; used on the context only. */
    private int preferred;

    /**
     * Creates it without connecting.
     *
     * @param timeout for the response to a command
     * @param reconnect the time after which a connection is replaced, or closed if unused
     */
    ClusterConnection(Vertx vertx, ClusterNodes nodes, Duration timeout, Duration reconnect) {
        this.vertx = vertx;
        this.nodes = nodes;
        this.timeout = timeout;
        this.reconnect = reconnect;
        this.context = vertx.getOrCreateContext();
    }

    @Override
    public Uni<Response> send(Request request) {
        return start(request, -1);
    }

    @Override
    public Uni<Response> send(String key, Request request) {
        return start(request, HashSlot.of(key.getBytes(StandardCharsets.UTF_8)));
    }

    private Uni<Response> start(Request request, int slot) {
        return Uni.createFrom()
                .completionStage(() -> nodes.topology()
                        .compose(topology -> onContext(() ->
                                send(request, slot, topology, topology.masters().size())))
                        .toCompletionStage());
    }

    private Future<Response> onContext(Supplier<Future<Response>> action) {
        Promise<Response> answer = Promise.promise();
        context.runOnContext(x -> {
            try {
                action.get().onComplete(answer);
            } catch (RuntimeException e) {
                answer.fail(e);
            }
        });
        return answer.future();
    }

    /** @param attempts the number of masters on which a command without keys may be tried */
    private Future<Response> send(Request request, int slot, ClusterTopology topology, int attempts) {
        List<ClusterTopology.Master> masters = topology.masters();
        ClusterTopology.Master master =
                slot < 0 ? masters.get(Math.floorMod(preferred, masters.size())) : topology.of(slot);
        if (master == null) {
            nodes.invalidate();
            return Future.failedFuture("no master of the Redis Cluster serves slot " + slot);
        }
        connections
                .keySet()
                .retainAll(masters.stream().map(ClusterTopology.Master::address).collect(Collectors.toSet()));
        int before = preferred;
        return send(request, master.address(), MAX_REDIRECTIONS, false).recover(failure -> {
            if (failure instanceof Response) {
                return Future.failedFuture(failure);
            }
            nodes.invalidate();
            return onContext(() -> {
                if (slot < 0 && preferred == before) {
                    preferred++;
                }
                return slot < 0 && attempts > 1 && failure instanceof NotConnectedException
                        ? send(request, slot, topology, attempts - 1)
                        : Future.failedFuture(failure);
            });
        });
    }

    private Future<Response> send(Request request, String address, int redirections, boolean asking) {
        ServerConnection connection = connection(address);
        if (asking) {
            // Affects only the next command, which follows at once.
            connection.ask(Request.cmd(Command.ASKING));
        }
        return connection.ask(request).recover(failure -> {
            String error = failure instanceof Response ? String.valueOf(failure.getMessage()) : "";
            boolean moved = error.startsWith("MOVED ");
            if (moved) {
                nodes.invalidate();
            }
            if (redirections == 0 || !(moved || error.startsWith("ASK "))) {
                return Future.failedFuture(failure);
            }
            String target = error.substring(error.lastIndexOf(' ') + 1);
            String to = ClusterTopology.redirection(target, address);
            return onContext(() -> send(request, to, redirections - 1, !moved));
        });
    }

    private ServerConnection connection(String address) {
        return connections.computeIfAbsent(address, missing -> {
            ServerConnection.Clients clients = new ServerConnection.Clients() {
                @Override
                public Redis create() {
                    return Redis.createClient(vertx, nodes.optionsOf(nodes.endpoint(missing)));
                }

                @Override
                public Future<RedisConnection> check(RedisConnection connection) {
                    // A node that is no master any more redirects commands with keys, and passes on publications.
                    return Future.succeededFuture(connection);
                }
            };
            return new ServerConnection(vertx, context, clients, timeout, reconnect);
        });
    }

    @Override
    public void close() {
        context.runOnContext(x -> {
            connections.values().forEach(ServerConnection::close);
            connections.clear();
        });
    }
}
