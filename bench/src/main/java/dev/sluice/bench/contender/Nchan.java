package dev.sluice.bench.contender;

import dev.sluice.bench.load.Entrance.Session;
import dev.sluice.bench.load.Entrance.Session.Format;
import dev.sluice.bench.load.Publication.PublishProtocol;
import dev.sluice.bench.process.Server;
import dev.sluice.harness.Ports;
import dev.sluice.harness.Redis;
import dev.sluice.harness.ServerProcess;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * nginx with the module nchan, as Debian packages it. It uses no Redis and no tokens: publishers use HTTP, and a client receives the channel
 * in the path of its request.
 */
public final class Nchan implements Contender {

    private static final Path MODULE = Path.of("/usr/lib/nginx/modules/ngx_nchan_module.so");

    /**
     * Clients request this path before the WebSocket: nginx sets TCP_NODELAY when it keeps a connection for a second request, and nchan never
     * does. Otherwise deliveries would be delayed by 40 ms.
     */
    private static final String HEALTH = "/health";

    /** One worker that stores nothing and logs nothing. */
    private static final String CONFIGURATION = """
            load_module @MODULE@;
            daemon off;
            user root;
            worker_processes 1;
            pid @DIR@/nginx.pid;
            error_log @DIR@/nginx.error.log warn;

            events {
              worker_connections 20000;
            }

            http {
              access_log off;
              nchan_max_reserved_memory 512M;
              client_body_temp_path @DIR@/nginx-body;
              # The publisher keeps its connection for the whole run.
              keepalive_requests 1000000000;
              keepalive_timeout 1h;

              server {
                listen 127.0.0.1:@PORT@ backlog=4096;

                location = /health {
                  return 200;
                }
                location ~ ^/pub/(.+)$ {
                  nchan_publisher http;
                  nchan_channel_id $1;
                  nchan_message_buffer_length 0;
                }
                location ~ ^/sub/(.+)$ {
                  nchan_subscriber websocket;
                  nchan_channel_id $1;
                  nchan_subscriber_first_message newest;
                }
              }
            }
            """;

    public static boolean isInstalled() {
        return Files.exists(MODULE) && ServerProcess.output("nginx", "-v").isPresent();
    }

    /** The version of nginx. */
    public static String version() {
        return isInstalled()
                ? ServerProcess.output("nginx", "-v").orElseThrow().replaceFirst(".*/", "")
                : "not installed";
    }

    @Override
    public String name() {
        return "nchan";
    }

    @Override
    public boolean isForUnwanted() {
        return false;
    }

    @Override
    public boolean isForRetained() {
        return false;
    }

    @Override
    public boolean limitsConnects() {
        return false;
    }

    @Override
    public Server start(Redis redis, int connectsPerSecond, Path logs) {
        int port = Ports.free();
        Path filledIn = logs.resolve("nchan.conf");
        try {
            Files.writeString(
                    filledIn,
                    CONFIGURATION
                            .replace("@MODULE@", MODULE.toString())
                            .replace("@PORT@", Integer.toString(port))
                            .replace("@DIR@", logs.toString()));
        } catch (IOException e) {
            throw new IllegalStateException("can't write " + filledIn, e);
        }
        List<String> command = List.of("nginx", "-c", filledIn.toString());
        return Server.start(
                Server.pinned(command), Map.of(), port, Ports.http(port, HEALTH), logs.resolve("nchan.log"));
    }

    @Override
    public PublishProtocol protocol() {
        return PublishProtocol.NCHAN;
    }

    @Override
    public InetSocketAddress publishTo(Redis redis, Server server) {
        return server.address();
    }

    @Override
    public Session user(String user) {
        return new Session(HEALTH, "/sub/user:" + user, Format.FRAMES, "", List.of());
    }

    @Override
    public Session subscriber(String user, String upload) {
        return new Session(HEALTH, "/sub/upload:" + upload, Format.FRAMES, "", List.of());
    }

    /** Does nothing: there is no garbage. */
    @Override
    public void collectGarbage(Server server) {}
}
