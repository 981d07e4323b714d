package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.sluice.harness.Client;
import dev.sluice.harness.EventClient;
import dev.sluice.harness.Fork;
import dev.sluice.harness.HttpServerProcess;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Ports;
import dev.sluice.harness.Tokens;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Clients behind nginx, configured as docs/operations.md says, and HAProxy. Both buffer as they do by default. */
class ProxyIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    /** Like the replaced system: the path has a prefix, and the host lacks the port. */
    private static final String HOST_WITHOUT_PORT = "$host";

    private static final String HOST_WITH_PORT = "$http_host";

    @Test
    void documentedHostHeaderNeedsNoOrigins() throws IOException {
        try (Proxy nginx = nginx(STAGE.pod(), HOST_WITH_PORT, Ports.free())) {
            assertHears(nginx);
        }
    }

    @Test
    void hostWithoutPortIsRefused() throws IOException {
        try (Proxy nginx = nginx(STAGE.pod(), HOST_WITHOUT_PORT, Ports.free())) {
            assertThat(Client.refusal(nginx.url(), Map.of("Origin", nginx.origin())))
                    .isEqualTo(403);
        }
    }

    @Test
    void documentedNginxSendsClientsOfARefusingPodToAnother() throws IOException {
        String[] documented = documented("For nginx:").split("# In the server:", 2);
        int port = Ports.free();
        try (RefusingPod refusing = RefusingPod.start();
                Proxy nginx = nginx(port, """
                        %s
                        server {
                          listen 127.0.0.1:%d;
                          location = /health { return 200; }
                          %s
                        }
                        """.formatted(
                        documented[0]
                                .replace("pod-a:8080", "127.0.0.1:" + refusing.port())
                                .replace(
                                        "pod-b:8080", "127.0.0.1:" + STAGE.pod().port()),
                        port,
                        documented[1]))) {
            assertAllConnect(nginx, refusing);
        }
    }

    @Test
    void documentedHaproxySendsClientsOfARefusingPodToAnother() throws IOException {
        Pod pod = STAGE.pod();
        try (RefusingPod refusing = RefusingPod.start();
                Proxy haproxy = haproxy(
                        Ports.free(),
                        documented("For HAProxy:")
                                .replace("pod-a:8080 check port 9000", address(refusing.port(), refusing.port()))
                                .replace("pod-b:8080 check port 9000", address(pod.port(), pod.managementPort())))) {
            assertAllConnect(haproxy, refusing);
        }
    }

    private static String address(int port, int checked) {
        return "127.0.0.1:" + port + " check port " + checked;
    }

    /** Both proxies prefer the pod with the fewest connections, which is the refusing one from the second client on. */
    private static void assertAllConnect(Proxy proxy, RefusingPod refusing) {
        URI url = URI.create("ws://localhost:" + proxy.port() + "/ws");
        Map<String, String> headers = Map.of("Origin", proxy.origin(), "X-Forwarded-For", "192.0.2.1");
        try (Client one = Client.connect(url, headers);
                Client two = Client.connect(url, headers)) {
            for (Client client : List.of(one, two)) {
                client.authenticate(Tokens.of("behind a proxy"));
                assertThat(client.next()).contains("auth_success");
            }
        }
        assertThat(refusing.forwardedFor()).isNotEmpty().containsOnly("127.0.0.1");
    }

    /** Returns the block of code that follows the line in docs/operations.md. */
    private static String documented(String line) throws IOException {
        String page = Files.readString(Path.of("docs/operations.md"));
        return page.split("\n" + line + "\n\n```\n", 2)[1].split("```", 2)[0];
    }

    @Tag("long")
    @Test
    void hostWithoutPortWorksWithConfiguredOrigins() throws IOException {
        int port = Ports.free();
        try (Pod pod = Pod.ready(STAGE.redis(), Map.of("sluice.origins", "http://localhost:" + port));
                Proxy nginx = nginx(pod, HOST_WITHOUT_PORT, port)) {
            assertHears(nginx);
            assertThat(Client.refusal(nginx.url(), Map.of("Origin", "http://elsewhere.example:" + port)))
                    .isEqualTo(403);
        }
    }

    @Test
    void streamIsNotBuffered() throws IOException {
        try (Pod pod = Pod.ready(STAGE.redis(), Map.of("sluice.drain.period", "1s"));
                Proxy nginx = nginx(pod, HOST_WITH_PORT, Ports.free());
                Proxy haproxy = haproxy(pod, Ports.free());
                EventClient one = EventClient.of(nginx.port(), "7", "", "Origin: " + nginx.origin());
                EventClient two = EventClient.of(haproxy.port(), "7", "", "Origin: " + haproxy.origin())) {
            List<EventClient> clients = List.of(one, two);
            for (EventClient client : clients) {
                assertThat(client.next().data()).contains("\"subscribed\"");
            }
            for (String payload : new String[] {"one", "two"}) {
                STAGE.redis().publish("user:7", payload);
                for (EventClient client : clients) {
                    assertThat(client.publication().data()).isEqualTo(payload);
                }
            }
            pod.terminate();
            for (EventClient client : clients) {
                assertThat(client.awaitEnd()).as("the last chunk").isTrue();
                assertThat(new JsonObject(client.next().data()).getInteger("code"))
                        .isEqualTo(1012);
                assertThat(client.retryMillis()).isBetween(1_000L, 5_000L);
            }
        }
    }

    private static void assertHears(Proxy proxy) {
        String upload = Stage.upload();
        try (Client client = Client.connect(proxy.url(), Map.of("Origin", proxy.origin()))) {
            client.authenticate(Tokens.of("behind a proxy"));
            assertThat(client.next()).contains("auth_success");
            client.subscribe(upload);
            STAGE.redis().publish("upload:" + upload, "through it");
            assertThat(client.next()).isEqualTo("through it");
        }
    }

    /** Starts an nginx that passes on /api/ws/ and /sse. */
    private static Proxy nginx(Pod pod, String host, int port) throws IOException {
        return nginx(port, """
                map $http_upgrade $connection_upgrade { default upgrade; '' close; }
                server {
                  listen 127.0.0.1:%1$d;
                  location = /health { return 200; }
                  location /api/ws/ {
                    proxy_pass http://127.0.0.1:%2$d/ws/;
                    proxy_http_version 1.1;
                    proxy_set_header Upgrade $http_upgrade;
                    proxy_set_header Connection $connection_upgrade;
                    proxy_set_header Host %3$s;
                    proxy_read_timeout 120s;
                  }
                  location /sse {
                    proxy_pass http://127.0.0.1:%2$d;
                    proxy_http_version 1.1;
                    proxy_set_header Host %3$s;
                  }
                }
                """.formatted(port, pod.port(), host));
    }

    private static Proxy nginx(int port, String http) throws IOException {
        Path folder = Files.createDirectories(Fork.file("nginx-" + port).toAbsolutePath());
        Path config = Files.writeString(folder.resolve("nginx.conf"), """
                daemon off;
                master_process off;
                pid %1$s/nginx.pid;
                error_log stderr;
                events {}
                http {
                  access_log off;
                  client_body_temp_path %1$s/body;
                  proxy_temp_path %1$s/proxy;
                  fastcgi_temp_path %1$s/fastcgi;
                  uwsgi_temp_path %1$s/uwsgi;
                  scgi_temp_path %1$s/scgi;
                  %2$s
                }
                """.formatted(folder, http));
        return Proxy.start(port, List.of("nginx", "-p", folder.toString(), "-c", config.toString()));
    }

    private static Proxy haproxy(Pod pod, int port) throws IOException {
        return haproxy(port, "backend sluice\n  server pod 127.0.0.1:" + pod.port() + "\n");
    }

    private static Proxy haproxy(int port, String backend) throws IOException {
        Path config =
                Files.writeString(Fork.file("haproxy-" + port + ".cfg").toAbsolutePath(), """
                defaults
                  mode http
                  timeout connect 5s
                  timeout client 50s
                  timeout server 50s
                frontend clients
                  bind 127.0.0.1:%d
                  monitor-uri /health
                  default_backend sluice
                %s
                """.formatted(port, backend));
        return Proxy.start(port, List.of("haproxy", "-db", "-f", config.toString()));
    }

    /** A server that is ready, but refuses each client with 503, as a draining pod does. */
    private record RefusingPod(HttpServer server, Queue<String> forwardedFor) implements AutoCloseable {

        static RefusingPod start() throws IOException {
            Queue<String> forwarded = new ConcurrentLinkedQueue<>();
            HttpServer server = HttpServer.create(Ports.address(0), 0);
            server.createContext("/", exchange -> {
                forwarded.addAll(exchange.getRequestHeaders().getOrDefault("X-Forwarded-For", List.of()));
                exchange.sendResponseHeaders(503, -1);
                exchange.close();
            });
            server.createContext("/q/health/ready", exchange -> {
                exchange.sendResponseHeaders(200, -1);
                exchange.close();
            });
            server.start();
            return new RefusingPod(server, forwarded);
        }

        int port() {
            return server.getAddress().getPort();
        }

        @Override
        public void close() {
            server.stop(0);
        }
    }

    /** A proxy on its own port, which answers /health itself. */
    private record Proxy(HttpServerProcess process) implements AutoCloseable {

        static Proxy start(int port, List<String> command) {
            Program.named(command.get(0));
            return new Proxy(HttpServerProcess.start(
                    command, Map.of(), port, Ports.http(port, "/health"), Fork.file("proxy-" + port + ".log")));
        }

        int port() {
            return process.port();
        }

        URI url() {
            return URI.create("ws://localhost:" + port() + "/api/ws/uploads");
        }

        String origin() {
            return "http://localhost:" + port();
        }

        @Override
        public void close() {
            process.close();
        }
    }
}
