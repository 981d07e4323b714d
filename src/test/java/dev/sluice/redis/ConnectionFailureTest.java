package dev.sluice.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.RedisOptions;
import io.vertx.redis.client.Request;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Clients that throw when they are made fail the command, so that the next one is tried. */
class ConnectionFailureTest {

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Vertx vertx = Vertx.vertx();

    @AfterEach
    void stop() {
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    @Test
    void clusterIsAskedAgain() {
        RedisOptions options = new RedisOptions().setEndpoints(List.of("unknown://127.0.0.1:1", "unknown://[::1]:1"));
        ClusterNodes nodes = new ClusterNodes(vertx, options, PATIENCE);
        for (int i = 0; i < 3; i++) {
            Future<ClusterTopology> asked = nodes.ask();
            assertThatThrownBy(() -> asked.toCompletionStage()
                            .toCompletableFuture()
                            .orTimeout(60, TimeUnit.SECONDS)
                            .join())
                    .hasMessageContaining("unknown");
            assertThat(nodes.topology()).isNotSameAs(asked);
        }
    }

    @Test
    void commandFails() {
        ServerConnection.Clients clients = new ServerConnection.Clients() {
            @Override
            public Redis create() {
                throw new IllegalArgumentException("no such scheme");
            }

            @Override
            public Future<RedisConnection> check(RedisConnection connection) {
                return Future.succeededFuture(connection);
            }
        };
        ServerConnection connection =
                new ServerConnection(vertx, vertx.getOrCreateContext(), clients, PATIENCE, PATIENCE);
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() ->
                            connection.send(Request.cmd(Command.PING)).await().atMost(PATIENCE))
                    .hasMessageContaining("no such scheme");
        }
    }
}
