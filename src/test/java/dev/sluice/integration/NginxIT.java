package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Fork;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Tokens;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** A page that connects to {@code /api/ws/uploads} through nginx, configured as docs/migrating.md says. */
class NginxIT {

    /** Like the replaced system: the path has a prefix, and the host lacks the port. */
    private static final String HOST_WITHOUT_PORT = "$host";

    private static final String HOST_WITH_PORT = "$http_host";

    private final Program program = Program.named("nginx");

    @Test
    void documentedHostHeaderNeedsNoOrigins() throws IOException {
        try (Nginx nginx = new Nginx(Stage.POD, HOST_WITH_PORT)) {
            assertHears(nginx);
        }
    }

    @Test
    void hostWithoutPortIsRefused() throws IOException {
        try (Nginx nginx = new Nginx(Stage.POD, HOST_WITHOUT_PORT)) {
            assertThat(Client.refusal(nginx.url(), Map.of("Origin", nginx.origin())))
                    .isEqualTo(403);
        }
    }

    @Test
    void hostWithoutPortWorksWithConfiguredOrigins() throws IOException {
        int port = freePort();
        try (Pod pod = Pod.ready(Stage.REDIS, Map.of("sluice.origins", "http://localhost:" + port));
                Nginx nginx = new Nginx(pod, HOST_WITHOUT_PORT, port)) {
            assertHears(nginx);
            assertThat(Client.refusal(nginx.url(), Map.of("Origin", "http://elsewhere.example:" + port)))
                    .isEqualTo(403);
        }
    }

    private static void assertHears(Nginx nginx) {
        String upload = Stage.upload();
        try (Client client = Client.connect(nginx.url(), Map.of("Origin", nginx.origin()))) {
            client.authenticate(Tokens.of("behind nginx"));
            assertThat(client.next()).contains("auth_success");
            client.subscribe(upload);
            Stage.REDIS.publish("upload:" + upload, "through nginx");
            assertThat(client.next()).isEqualTo("through nginx");
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /** An nginx on its own port that passes on /api/ws/. */
    private final class Nginx implements AutoCloseable {

        private final int port;
        private final Process process;

        Nginx(Pod pod, String host) throws IOException {
            this(pod, host, freePort());
        }

        Nginx(Pod pod, String host, int port) throws IOException {
            this.port = port;
            Path folder = Files.createDirectories(Fork.file("nginx-" + port).toAbsolutePath());
            Path config =
                    Files.writeString(folder.resolve("nginx.conf"), """
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
                        location /api/ws/ {
                          proxy_pass http://127.0.0.1:%3$d/ws/;
                          proxy_http_version 1.1;
                          proxy_set_header Upgrade $http_upgrade;
                          proxy_set_header Connection $connection_upgrade;
                          proxy_set_header Host %4$s;
                          proxy_read_timeout 120s;
                        }
                      }
                    }
                    """.formatted(folder, port, pod.port(), host));
            Path log = folder.resolve("nginx.log");
            process = program.start(log, "-p", folder.toString(), "-c", config.toString());
            await("nginx").atMost(30, TimeUnit.SECONDS).until(() -> {
                if (!process.isAlive()) {
                    throw new IllegalStateException("nginx has ended:\n" + Files.readString(log));
                }
                return accepts();
            });
        }

        URI url() {
            return URI.create("ws://localhost:" + port + "/api/ws/uploads");
        }

        String origin() {
            return "http://localhost:" + port;
        }

        private boolean accepts() {
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
                return socket.isConnected();
            } catch (IOException e) {
                return false;
            }
        }

        @Override
        public void close() {
            process.destroyForcibly();
        }
    }
}
