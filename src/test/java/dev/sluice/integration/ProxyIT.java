package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;

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
                  map $http_upgrade $connection_upgrade { default upgrade; '' close; }
                  server {
                    listen 127.0.0.1:%2$d;
                    location = /health { return 200; }
                    location /api/ws/ {
                      proxy_pass http://127.0.0.1:%3$d/ws/;
                      proxy_http_version 1.1;
                      proxy_set_header Upgrade $http_upgrade;
                      proxy_set_header Connection $connection_upgrade;
                      proxy_set_header Host %4$s;
                      proxy_read_timeout 120s;
                    }
                    location /sse {
                      proxy_pass http://127.0.0.1:%3$d;
                      proxy_http_version 1.1;
                      proxy_set_header Host %4$s;
                    }
                  }
                }
                """.formatted(folder, port, pod.port(), host));
        return Proxy.start(port, List.of("nginx", "-p", folder.toString(), "-c", config.toString()));
    }

    private static Proxy haproxy(Pod pod, int port) throws IOException {
        Path config = Files.writeString(
                Fork.file("haproxy-" + port + ".cfg").toAbsolutePath(), """
                defaults
                  mode http
                  timeout connect 5s
                  timeout client 50s
                  timeout server 50s
                frontend clients
                  bind 127.0.0.1:%d
                  monitor-uri /health
                  default_backend pods
                backend pods
                  server pod 127.0.0.1:%d
                """.formatted(port, pod.port()));
        return Proxy.start(port, List.of("haproxy", "-db", "-f", config.toString()));
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
