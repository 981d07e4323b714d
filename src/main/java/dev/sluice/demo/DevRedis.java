package dev.sluice.demo;

import io.quarkus.arc.profile.IfBuildProfile;
import io.quarkus.redis.client.RedisHostsProvider;
import io.smallrye.common.annotation.Identifier;
import jakarta.annotation.PreDestroy;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.util.Set;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;
import redis.embedded.RedisServer;

/** A real Redis for dev mode, started when no {@code quarkus.redis.hosts} is given. */
@IfBuildProfile("dev")
@Identifier("dev")
@Singleton
final class DevRedis implements RedisHostsProvider {

    private static final Logger LOG = Logger.getLogger(DevRedis.class);

    /** The default port of Redis clients. */
    private static final int USUAL_PORT = 6379;

    private @Nullable RedisServer server;
    private @Nullable URI uri;

    @Override
    public synchronized Set<URI> getHosts() {
        URI known = uri;
        if (known == null) {
            known = start();
            uri = known;
        }
        return Set.of(known);
    }

    private URI start() {
        try {
            int port = isFree(USUAL_PORT) ? USUAL_PORT : freePort();
            RedisServer started = RedisServer.newRedisServer()
                    .port(port)
                    .bind("127.0.0.1")
                    .setting("save \"\"")
                    .build();
            started.start();
            server = started;
            LOG.infof(
                    "Started a Redis, because quarkus.redis.hosts is not set. Publish with: redis-cli -p %d PUBLISH user:alice hello",
                    port);
            return URI.create("redis://127.0.0.1:" + port);
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "The embedded Redis did not start; set quarkus.redis.hosts to use your own Redis", e);
        }
    }

    @PreDestroy
    synchronized void stop() throws IOException {
        if (server != null) {
            server.stop();
        }
    }

    private static boolean isFree(int port) {
        try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
            return socket.isBound();
        } catch (IOException e) {
            return false;
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
