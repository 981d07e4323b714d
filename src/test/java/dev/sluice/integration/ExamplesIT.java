package dev.sluice.integration;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.microsoft.playwright.Page;
import com.microsoft.playwright.Route;
import dev.sluice.browser.Browser;
import dev.sluice.harness.Client;
import dev.sluice.harness.Fork;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Ports;
import dev.sluice.harness.RawClient;
import dev.sluice.harness.Redis;
import dev.sluice.harness.TcpProxy;
import dev.sluice.harness.Tokens;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Runs the programs in {@code examples/} unchanged. */
class ExamplesIT {

    private static final List<String> PAGES = List.of("module", "bare");
    private static final Path EXAMPLES = Path.of("examples");
    private static final Pattern ADDRESS = Pattern.compile("(http://localhost:\\d+)/module.html");

    @Test
    void pythonPublisherReachesTheUser() {
        assertPublishes(Program.pythonWith("redis"), "examples/publish/publish.py");
    }

    @Test
    void nodePublisherReachesTheUser() {
        assertPublishes(Program.ofNode("node", EXAMPLES), "publish/publish.js");
    }

    @Test
    void javaPublisherReachesTheUser() {
        assertPublishes(Program.java(), "examples/publish/Publish.java");
    }

    @Test
    void shellPublisherReachesTheUser() {
        Program.named("redis-cli");
        assertPublishes(Program.named("sh"), "examples/publish/publish.sh");
    }

    @Test
    void programsWithoutArgumentsSayHowToUseThem() {
        Map<String, Program> programs = Map.of(
                "examples/publish/publish.py", Program.pythonWith("redis"),
                "examples/backend/mint.py", Program.pythonWith("jwt, cryptography"),
                "publish/publish.js", Program.ofNode("node", EXAMPLES),
                "examples/publish/Publish.java", Program.java(),
                "examples/publish/publish.sh", Program.named("sh"),
                "examples/backend/mint.sh", Program.named("sh"));
        programs.forEach((script, program) -> {
            String name = script.substring(script.lastIndexOf('/') + 1);
            // The compiler of Java may print notes before.
            assertThat(program.fail(script).lines().reduce("", (before, line) -> line))
                    .matches("Usage: \\w+ " + Pattern.quote(name) + " <.*");
        });
    }

    @Test
    void shellScriptMintsTokensForUsersAndOperators() throws Exception {
        Program.named("openssl");
        Program sh = Program.named("sh")
                .with(Map.of("PRIVATE_KEY", Tokens.privateKeyFile().toString()));
        String user = sh.run("examples/backend/mint.sh", "alice").strip();
        String operator = sh.run("examples/backend/mint.sh", "bob", "operator").strip();
        try (Client client = Client.connect(Stage.POD.webSocket("/ws"))) {
            client.authenticate(user);
            assertThat(client.next()).isEqualTo("{\"action\":\"auth_success\",\"user_id\":\"alice\"}");
        }
        URI channel = URI.create("http://localhost:" + Stage.POD.port() + "/api/channels/upload:42");
        for (Map.Entry<String, Integer> expected :
                Map.of(user, 403, operator, 200).entrySet()) {
            assertThat(answer(HttpRequest.newBuilder(channel).header("Authorization", "Bearer " + expected.getKey()))
                            .statusCode())
                    .isEqualTo(expected.getValue());
        }
    }

    @Test
    void pythonBackendMintsTokens() {
        String token = Program.pythonWith("jwt, cryptography")
                .with(Map.of("PRIVATE_KEY", Tokens.privateKeyFile().toString()))
                .run("examples/backend/mint.py", "7", "team:red");
        Map<String, String> config =
                Map.of("sluice.routes.team.audience", "subscribers", "sluice.routes.team.access", "claim");
        try (Pod pod = Pod.ready(Stage.REDIS, config);
                Client client = Client.connect(pod.webSocket("/ws"))) {
            client.authenticate(token.strip());
            assertThat(client.next()).isEqualTo("{\"action\":\"auth_success\",\"user_id\":\"7\"}");
            client.send("{\"action\":\"subscribe\",\"channel\":\"team:red\"}");
            assertThat(client.next()).isEqualTo("{\"action\":\"subscribed\",\"channel\":\"team:red\"}");
        }
    }

    @Test
    void nodeBackendMintsTokensAndServesPages() throws Exception {
        try (Backend backend = Backend.start();
                Client client = Client.connect(Stage.POD.webSocket("/ws"))) {
            HttpResponse<String> token = answer(HttpRequest.newBuilder(URI.create(backend.address() + "/token"))
                    .POST(HttpRequest.BodyPublishers.noBody()));
            client.authenticate(token.body());
            assertThat(client.next()).isEqualTo("{\"action\":\"auth_success\",\"user_id\":\"alice\"}");
            assertThat(answer(HttpRequest.newBuilder(URI.create(backend.address() + "/sluice.js")))
                            .body())
                    .isEqualTo(Files.readString(Path.of("client/sluice.js")));
            assertThat(answer(HttpRequest.newBuilder(URI.create(backend.address() + "/token")))
                            .statusCode())
                    .isEqualTo(404);
        }
    }

    @Test
    void pageShowsPublications() throws Exception {
        try (Browser browser = Browser.start();
                Backend backend = Backend.start();
                Redis redis = Redis.start()) {
            for (String name : PAGES) {
                assertShowsWhatIsPublished(name, browser, backend, redis);
            }
        }
    }

    private static void assertShowsWhatIsPublished(String name, Browser browser, Backend backend, Redis redis) {
        try (Pod pod = Pod.ready(redis, Map.of("sluice.origins", backend.address(), "sluice.drain.period", "1s"))) {
            Page page = browser.open(backend.address() + "/" + name + ".html?sluice=" + pod.webSocket("/ws"));
            assertThat(page.locator("#state")).hasText("open");
            redis.publish("upload:42", "{\"progress_percent\":50}");
            redis.publish("user:alice", "{\"text\":\"Upload 42 is ready\"}");
            assertThat(page.locator("#progress")).hasAttribute("value", "50");
            assertThat(page.locator("#notes")).hasText("Upload 42 is ready");
            assertThat(browser.errors()).isEmpty();
            pod.terminate();
            assertThat(page.locator("#state")).not().hasText("open");
        }
    }

    @Test
    void pageWithServerSentEventsComesBackAndMissesNothing() throws Exception {
        try (Browser browser = Browser.start();
                Backend backend = Backend.start();
                Redis redis = Redis.start();
                Pod pod = Pod.ready(redis, byCookie(backend));
                TcpProxy proxy = new TcpProxy(pod.port())) {
            int closed = Ports.free();
            for (String name : List.of("events", "fetch")) {
                Page page = browser.open(
                        backend.address() + "/" + name + ".html?sluice=http://localhost:" + proxy.port() + "/sse");
                assertThat(page.locator("#state")).hasText("open");
                redis.publish("upload:42", "{\"progress_percent\":50}");
                redis.publish("user:alice", "{\"text\":\"before\"}");
                assertThat(page.locator("#progress")).hasAttribute("value", "50");
                assertThat(page.locator("#notes")).hasText("before");
                assertThat(browser.errors()).isEmpty();
                proxy.leadTo(closed);
                proxy.cut();
                assertThat(page.locator("#state")).not().hasText("open");
                redis.publish("user:alice", "{\"text\":\"meanwhile\"}");
                proxy.leadTo(pod.port());
                assertThat(page.locator("#state")).hasText("open");
                redis.publish("user:alice", "{\"text\":\"after\"}");
                assertThat(page.locator("#notes li")).hasText(new String[] {"before", "meanwhile", "after"});
            }
        }
    }

    private static Map<String, String> byCookie(Backend backend) {
        return Map.of(
                "sluice.origins", backend.address(),
                "sluice.clock.interval", "200ms",
                "mp.jwt.token.header", "Cookie",
                "mp.jwt.token.cookie", "session");
    }

    @Test
    void pageRetriesWithoutAToken() throws Exception {
        try (Browser browser = Browser.start();
                Backend backend = Backend.start();
                Pod pod = Pod.ready(Stage.REDIS, Map.of("sluice.origins", backend.address()))) {
            for (String name : PAGES) {
                assertTriesAgain(name, browser, backend, pod);
            }
        }
    }

    private static void assertTriesAgain(String name, Browser browser, Backend backend, Pod pod) {
        Page page = browser.open("about:blank");
        AtomicInteger asked = new AtomicInteger();
        page.route("**/token", route -> {
            switch (asked.incrementAndGet()) {
                case 1 -> route.abort();
                case 2 -> route.fulfill(new Route.FulfillOptions().setStatus(503));
                case 3 ->
                    route.fulfill(new Route.FulfillOptions().setStatus(502).setBody("<h1>Bad Gateway</h1>"));
                default -> route.resume();
            }
        });
        page.navigate(backend.address() + "/" + name + ".html?sluice=" + pod.webSocket("/ws"));
        assertThat(page.locator("#state")).hasText("open");
        assertThat(asked.get()).isEqualTo(4);
    }

    @Test
    void backendSurvivesUnreadableRequests() throws Exception {
        try (Backend backend = Backend.start();
                Socket socket =
                        new Socket("localhost", URI.create(backend.address()).getPort())) {
            socket.getOutputStream()
                    .write("GET // HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            assertThat(RawClient.head(socket)).startsWith("HTTP/1.1 500");
            assertThat(answer(HttpRequest.newBuilder(URI.create(backend.address() + "/bare.html")))
                            .statusCode())
                    .isEqualTo(200);
        }
    }

    private static void assertPublishes(Program program, String script) {
        String upload = Stage.upload();
        try (Client client = Client.of(Stage.POD, "publisher's").subscribe(upload)) {
            program.with(Map.of("REDIS_URL", Stage.REDIS.uri())).run(script, upload, "publisher's");
            // Some publishers put a space after a colon.
            for (int percent : new int[] {0, 50, 100}) {
                assertThat(client.next().replace(": ", ":")).isEqualTo("{\"progress_percent\":" + percent + "}");
            }
            assertThat(client.next().replace(": ", ":")).isEqualTo("{\"text\":\"Upload " + upload + " is ready\"}");
        }
    }

    /** The backend in Node, on a port of its own. */
    private record Backend(Process process, String address) implements AutoCloseable {

        static Backend start() throws IOException {
            Path log = Fork.file("backend.log");
            Process process = Program.ofNode("node", EXAMPLES)
                    .with(Map.of("PRIVATE_KEY", Tokens.privateKeyFile().toString(), "PORT", "0"))
                    .start(log, "backend/server.js");
            try {
                String address = await("the backend")
                        .atMost(30, TimeUnit.SECONDS)
                        .until(
                                () -> ADDRESS.matcher(Files.readString(log))
                                        .results()
                                        .map(found -> found.group(1))
                                        .findFirst(),
                                Optional::isPresent)
                        .orElseThrow();
                return new Backend(process, address);
            } catch (RuntimeException e) {
                process.destroy();
                throw e;
            }
        }

        @Override
        public void close() {
            process.destroy();
        }
    }

    private static HttpResponse<String> answer(HttpRequest.Builder request) throws IOException, InterruptedException {
        return HttpClient.newHttpClient().send(request.build(), HttpResponse.BodyHandlers.ofString());
    }
}
