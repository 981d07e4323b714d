package dev.sluice.bench.contender;

import dev.sluice.bench.load.Entrance.Session;
import dev.sluice.bench.load.Entrance.Session.Format;
import dev.sluice.bench.load.Entrance.Session.Step;
import dev.sluice.bench.load.Publication.PublishProtocol;
import dev.sluice.bench.process.Program;
import dev.sluice.harness.HttpConnection;
import dev.sluice.harness.HttpServerProcess;
import dev.sluice.harness.Ports;
import dev.sluice.harness.Redis;
import dev.sluice.harness.ServerProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** The servers of others, none of which stores publications. */
public enum Peer implements Contender {
    /** {@code peers/relay.js}: a typical relay. */
    NODE("node", "Node") {
        @Override
        Optional<String> installed() {
            return ServerProcess.output("node", "--version");
        }

        @Override
        public boolean isForUnwanted() {
            return true;
        }

        @Override
        public boolean isForStorms() {
            return true;
        }

        @Override
        public HttpServerProcess start(Redis redis, int connectsPerSecond, Path logs) {
            return node("relay.js", redis, logs);
        }

        @Override
        public Session user(String user) {
            return ClientProtocol.V1.user(user);
        }

        @Override
        public Session subscriber(String user, String upload) {
            return ClientProtocol.V1.subscriber(user, upload);
        }

        @Override
        public void collectGarbage(HttpServerProcess server) {
            server.process().signal("USR2");
        }
    },

    /** {@code peers/socketio.js} with the Redis adapter. A channel is a room, and each user has one. */
    SOCKET_IO("socket.io", "Node") {
        @Override
        Optional<String> installed() {
            return NODE.installed();
        }

        @Override
        public HttpServerProcess start(Redis redis, int connectsPerSecond, Path logs) {
            return node("socketio.js", redis, logs, "pubsub");
        }

        @Override
        public PublishProtocol protocol() {
            return PublishProtocol.SOCKET_IO;
        }

        @Override
        public Session user(String user) {
            return session(user, List.of());
        }

        @Override
        public Session subscriber(String user, String upload) {
            return session(user, List.of(new Step("420[\"subscribe\",[\"upload:" + upload + "\"]]", "430")));
        }

        /** The server begins. */
        private Session session(String user, List<Step> more) {
            List<Step> steps = new ArrayList<>();
            steps.add(new Step("", "\"sid\""));
            steps.add(new Step("40{\"token\":\"" + Credentials.of(user) + "\"}", "40{"));
            steps.addAll(more);
            return new Session("", "/socket.io/?EIO=4&transport=websocket", Format.PACKETS, "", steps);
        }

        @Override
        public void collectGarbage(HttpServerProcess server) {
            NODE.collectGarbage(server);
        }
    },

    /** Centrifugo with its Redis engine. Publications come over Redis, as another of its nodes would publish them. */
    CENTRIFUGO("centrifugo", "Centrifugo in the PATH, or named by CENTRIFUGO") {
        private static final int PATIENCE_MILLIS = 10_000;
        private static final String PROGRAM = System.getenv().getOrDefault("CENTRIFUGO", "centrifugo");

        @Override
        Optional<String> installed() {
            return ServerProcess.output(PROGRAM, "version")
                    .map(said -> said.replaceFirst("\\D*([\\d.]+)[\\s\\S]*", "$1"));
        }

        @Override
        public boolean isForStorms() {
            return true;
        }

        @Override
        public boolean canResume() {
            return true;
        }

        @Override
        public HttpServerProcess start(Redis redis, int connectsPerSecond, Path logs) {
            return configured(List.of(PROGRAM, "--config"), logs.resolve("centrifugo.json"), "/health", """
                    {
                      "log": {"level": "warn"},
                      "health": {"enabled": true},
                      "http_server": {"address": "127.0.0.1", "port": "@PORT@"},
                      "client": {"token": {"hmac_secret_key": "@SECRET@"}},
                      "http_api": {"key": "@SECRET@"},
                      "engine": {"type": "redis", "redis": {"address": "@REDIS@"}},
                      "channel": {
                        "namespaces": [
                          {"name": "upload", "allow_subscribe_for_client": true},
                          {"name": "user", "allow_subscribe_for_client": true},
                          {"name": "kept", "allow_subscribe_for_client": true, "history_size": 100, "history_ttl": "300s", "force_recovery": true}
                        ]
                      }
                    }
                    """.replace(
                            "@SECRET@", Credentials.SECRET)
                    .replace("@REDIS@", redis.uri()));
        }

        @Override
        public PublishProtocol protocol() {
            return PublishProtocol.CENTRIFUGO;
        }

        @Override
        public Session user(String user) {
            return session(user, "user:" + user);
        }

        @Override
        public Session subscriber(String user, String upload) {
            return session(user, "user:" + user, "upload:" + upload);
        }

        /** Only its own API publishes into the history of a channel. */
        @Override
        public Function<String, Session> returning(Redis redis, HttpServerProcess server) {
            String channel = "kept:" + Missed.UPLOAD;
            String answer = Missed.answer(server, session("before", channel));
            Missed.publications()
                    .forEach(publication ->
                            publish(server, "{\"channel\":\"" + channel + "\",\"data\":" + publication + "}"));
            String since = "\"recover\":true,\"epoch\":\"" + Missed.field(answer, "epoch", "") + "\",\"offset\":"
                    + Missed.field(answer, "offset", "0");
            String subscription = "{\"id\":3,\"subscribe\":{\"channel\":\"" + channel + "\"," + since + "}}";
            return user -> {
                Session session = user(user);
                List<Step> steps = new ArrayList<>(session.steps());
                steps.add(new Step(subscription, "\"recovered\":true"));
                return new Session("", session.path(), session.format(), "", steps);
            };
        }

        private static void publish(HttpServerProcess server, String request) {
            try (HttpConnection connection = new HttpConnection(server.address(), PATIENCE_MILLIS)) {
                connection.send("POST /api/publish HTTP/1.1\r\nHost: bench\r\nX-API-Key: " + Credentials.SECRET
                        + "\r\nContent-Length: " + request.length() + "\r\n\r\n" + request);
                int status = connection.status();
                if (status != HttpURLConnection.HTTP_OK) {
                    throw new IllegalStateException("Centrifugo refused a publication: " + status);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private Session session(String user, String... channels) {
            List<Step> steps = new ArrayList<>();
            steps.add(new Step("{\"id\":1,\"connect\":{\"token\":\"" + Credentials.of(user) + "\"}}", "\"connect\""));
            for (String channel : channels) {
                steps.add(new Step("{\"id\":2,\"subscribe\":{\"channel\":\"" + channel + "\"}}", "\"subscribe\""));
            }
            return new Session("", "/connection/websocket", Format.REPLIES, "", steps);
        }
    },

    /**
     * nginx with the module nchan, as Debian packages it: one worker. It uses no Redis and no tokens: publishers use HTTP, and a client
     * receives the channel in the path of its request.
     */
    NCHAN("nchan", "Debian's nginx and libnginx-mod-nchan") {
        private static final Path MODULE = Path.of("/usr/lib/nginx/modules/ngx_nchan_module.so");

        /**
         * Clients request this path before the WebSocket: nginx sets TCP_NODELAY when it keeps a connection for a second request, and nchan
         * never does. Otherwise deliveries would be delayed by 40 ms.
         */
        private static final String HEALTH = "/health";

        @Override
        Optional<String> installed() {
            return ServerProcess.output("nginx", "-v")
                    .filter(said -> Files.exists(MODULE))
                    .map(said -> said.replaceFirst(".*/", ""));
        }

        @Override
        public HttpServerProcess start(Redis redis, int connectsPerSecond, Path logs) {
            return configured(List.of("nginx", "-c"), logs.resolve("nchan.conf"), HEALTH, """
                    load_module @MODULE@;
                    daemon off;
                    user root;
                    worker_processes 1;
                    pid @DIR@/nginx.pid;
                    error_log @DIR@/nginx.error.log warn;

                    events {
                      worker_connections 50000;
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
                    """.replace(
                            "@MODULE@", MODULE.toString())
                    .replace("@DIR@", logs.toString()));
        }

        @Override
        public PublishProtocol protocol() {
            return PublishProtocol.NCHAN;
        }

        @Override
        public InetSocketAddress publishTo(Redis redis, HttpServerProcess server) {
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
    };

    private final String id;
    private final String needs;

    Peer(String id, String needs) {
        this.id = id;
        this.needs = needs;
    }

    @Override
    public String id() {
        return id;
    }

    /** What must be installed. */
    public String needs() {
        return needs;
    }

    /** The version of its program; empty if it is not installed. */
    abstract Optional<String> installed();

    public boolean isInstalled() {
        return installed().isPresent();
    }

    /** The version of its program, in words. */
    public String version() {
        return installed().orElse("not installed");
    }

    /** Starts a script in Node, with the address of Redis and the secret of the tokens in its environment. */
    public static HttpServerProcess node(String script, Redis redis, Path logs, String... arguments) {
        int port = Ports.free();
        Map<String, String> environment = Map.of(
                "PORT",
                Integer.toString(port),
                "REDIS_URL",
                redis.uri(),
                "JWT_SECRET",
                Credentials.SECRET,
                "NODE_ENV",
                "production");
        Path file = Program.home().resolve("peers").resolve(script);
        List<String> command = new ArrayList<>(List.of("node", "--expose-gc", file.toString()));
        command.addAll(List.of(arguments));
        return HttpServerProcess.start(
                Sluice.pinned(command), environment, port, Ports.http(port, "/health"), logs.resolve("node.log"));
    }

    /**
     * Starts a program with a file for its configuration.
     *
     * @param command to which the name of the file is added
     * @param health the path that answers 200 when it is ready
     */
    HttpServerProcess configured(List<String> command, Path file, String health, String configuration) {
        int port = Ports.free();
        try {
            Files.writeString(file, configuration.replace("@PORT@", Integer.toString(port)));
        } catch (IOException e) {
            throw new IllegalStateException("can't write " + file, e);
        }
        List<String> whole = new ArrayList<>(command);
        whole.add(file.toString());
        return HttpServerProcess.start(
                Sluice.pinned(whole), Map.of(), port, Ports.http(port, health), file.resolveSibling(id + ".log"));
    }
}
