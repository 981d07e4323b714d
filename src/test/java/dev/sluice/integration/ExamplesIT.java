package dev.sluice.integration;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.microsoft.playwright.Locator;
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
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.crypto.spec.SecretKeySpec;
import org.jose4j.jws.JsonWebSignature;
import org.jose4j.keys.RsaKeyUtil;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/** Runs the programs in {@code examples/} unchanged. */
@Order(1)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ExamplesIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    private static final String LOCATION = "mp.jwt.verify.publickey.location";
    private static final String ISSUER = Tokens.issuerKeyFile().toString();

    private static final List<String> PAGES = List.of("module", "bare");
    private static final Path EXAMPLES = Path.of("examples");
    private static final AtomicInteger BACKENDS = new AtomicInteger();
    private static final Pattern ADDRESS = Pattern.compile("http://(?:localhost|127\\.0\\.0\\.1):(\\d+)");

    /** What pages share; null until the first test of a page starts it. */
    private static Browser browser;

    private static Backend pageBackend;
    private static Redis pageRedis;
    private static Pod pagePod;

    @AfterAll
    static void stopPages() throws Exception {
        for (AutoCloseable started : Stream.of(pagePod, pageRedis, pageBackend, browser)
                .filter(Objects::nonNull)
                .toList()) {
            started.close();
        }
    }

    private static void startPages() throws IOException {
        if (browser == null) {
            browser = Browser.start();
            pageBackend = Backend.start();
            pageRedis = Redis.start();
            pagePod = Pod.ready(
                    pageRedis,
                    Map.of(
                            LOCATION,
                            ISSUER,
                            "sluice.origins",
                            pageBackend.address(),
                            "sluice.clock.interval",
                            "200ms",
                            "sluice.drain.period",
                            "1s",
                            "mp.jwt.token.header",
                            "Cookie",
                            "mp.jwt.token.cookie",
                            "session"));
        }
    }

    /** Returns the address of the page with this name, which connects to Sluice's address. */
    private static String page(String name, String sluice) {
        return pageBackend.address() + "/" + name + ".html?sluice=" + sluice;
    }

    private static String webSocketPage(String name) {
        return page(name, pagePod.webSocket("/ws").toString());
    }

    @Test
    void pythonPublisherReachesTheUser() {
        assertPublishes(Program.pythonWith("redis"), "examples/publish/publish.py");
    }

    @Test
    void nodePublisherReachesTheUser() {
        assertPublishes(Program.ofNode("node", EXAMPLES), "publish/publish.js");
    }

    @Tag("long")
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
    void publisherOfProgressThinsItOut() {
        String upload = Stage.upload();
        try (Client client = Client.of(STAGE.pod(), "watcher").subscribe(upload)) {
            long start = System.nanoTime();
            Program.pythonWith("redis")
                    .with(Map.of("REDIS_URL", STAGE.redis().uri()))
                    .run("examples/publish/progress.py", upload);
            double seconds = (System.nanoTime() - start) / 1e9;
            List<String> heard = new ArrayList<>();
            do {
                heard.add(client.next());
            } while (!heard.get(heard.size() - 1).equals("{\"progress_percent\": 100}"));
            // Five a second, one before these, and the last.
            assertThat(heard).hasSizeBetween(3, (int) (5 * seconds) + 3).doesNotHaveDuplicates();
        }
    }

    @Tag("long")
    @Test
    void programsWithoutArgumentsSayHowToUseThem() {
        Map<String, Program> programs = Map.of(
                "examples/publish/publish.py", Program.pythonWith("redis"),
                "examples/publish/progress.py", Program.pythonWith("redis"),
                "examples/backend/mint.py", Program.pythonWith("jwt, cryptography"),
                "backend/keys.js", Program.ofNode("node", EXAMPLES),
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

    /** Returns the pod that verifies the tokens of examples. */
    private static Pod verifying() {
        return STAGE.pod(Map.of(LOCATION, ISSUER));
    }

    @Test
    void shellScriptMintsTokensForUsersAndOperators() throws Exception {
        Program.named("openssl");
        Program sh = Program.named("sh")
                .with(Map.of("PRIVATE_KEY", Tokens.privateKeyFile().toString()));
        String user = sh.run("examples/backend/mint.sh", "alice").strip();
        String operator = sh.run("examples/backend/mint.sh", "bob", "operator", "team:*", "publisher")
                .strip();
        try (Client client = Client.connect(verifying().webSocket("/ws"))) {
            client.authenticate(user);
            assertThat(client.next()).isEqualTo("{\"action\":\"auth_success\",\"user_id\":\"alice\"}");
        }
        URI channel = URI.create("http://localhost:" + verifying().port() + "/api/channels/upload:42");
        for (Map.Entry<String, Integer> expected :
                Map.of(user, 403, operator, 200).entrySet()) {
            assertThat(answer(HttpRequest.newBuilder(channel).header("Authorization", "Bearer " + expected.getKey()))
                            .statusCode())
                    .isEqualTo(expected.getValue());
        }
        assertThat(new String(
                        Base64.getUrlDecoder()
                                .decode(operator.substring(operator.indexOf('.') + 1, operator.lastIndexOf('.'))),
                        StandardCharsets.UTF_8))
                .contains("\"groups\":[\"operator\",\"publisher\"],\"channels\":[\"team:*\"]}");
        String secret = "0123456789abcdef0123456789abcdef";
        String shared = sh.with(Map.of("SECRET", secret))
                .run("examples/backend/mint.sh", "alice")
                .strip();
        JsonWebSignature token = new JsonWebSignature();
        token.setCompactSerialization(shared);
        token.setKey(new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
        assertThat(token.verifySignature()).isTrue();
    }

    @Tag("long")
    @Test
    void keysAreCreatedOnceAndSignTokens(@TempDir Path folder) throws Exception {
        Program node = Program.ofNode("node", EXAMPLES);
        node.run("backend/keys.js", folder.toString());
        String created = Files.readString(folder.resolve("publickey.pem"));
        node.run("backend/keys.js", folder.toString());
        assertThat(folder.resolve("publickey.pem")).hasContent(created);
        Program.named("openssl");
        JsonWebSignature token = new JsonWebSignature();
        token.setCompactSerialization(Program.named("sh")
                .with(Map.of("PRIVATE_KEY", folder.resolve("privatekey.pem").toString()))
                .run("examples/backend/mint.sh", "alice")
                .strip());
        token.setKey(new RsaKeyUtil().fromPemEncoded(created));
        assertThat(token.verifySignature()).isTrue();
    }

    @Tag("long")
    @Test
    void backendsMintTokensAndAnswerWebhooks() throws Exception {
        String minted = Program.pythonWith("jwt, cryptography")
                .with(Map.of("PRIVATE_KEY", Tokens.privateKeyFile().toString()))
                .run("examples/backend/mint.py", "7", "team:red");
        try (Backend express = Backend.express();
                Backend fastApi = Backend.fastApi();
                Pod pod = Pod.ready(
                        STAGE.redis(),
                        Map.of(
                                LOCATION,
                                ISSUER,
                                "sluice.routes.team.audience",
                                "subscribers",
                                "sluice.routes.team.access",
                                "claim",
                                "sluice.routes.report.audience",
                                "subscribers",
                                "sluice.routes.report.access",
                                "webhook",
                                "sluice.webhook.url",
                                express.address() + "/may-listen?key=" + Backend.KEY,
                                "sluice.webhook.connect.url",
                                fastApi.address() + "/may-connect?key=" + Backend.KEY))) {
            try (Client client = Client.connect(pod.webSocket("/ws"))) {
                client.authenticate(minted.strip());
                assertThat(client.next()).isEqualTo("{\"action\":\"auth_success\",\"user_id\":\"7\"}");
                client.send("{\"action\":\"subscribe\",\"channel\":\"team:red\"}");
                assertThat(client.next()).isEqualTo("{\"action\":\"subscribed\",\"channel\":\"team:red\"}");
                client.send("{\"action\":\"subscribe\",\"channel\":\"report:42\"}");
                assertThat(client.next()).contains("forbidden");
            }
            for (Backend backend : List.of(express, fastApi)) {
                try (Client client = Client.connect(pod.webSocket("/ws"))) {
                    client.authenticate(backend.post("/token", "").body());
                    assertThat(client.next()).isEqualTo("{\"action\":\"auth_success\",\"user_id\":\"alice\"}");
                    client.send("{\"action\":\"subscribe\",\"channel\":\"report:42\"}");
                    assertThat(client.next()).isEqualTo("{\"action\":\"subscribed\",\"channel\":\"report:42\"}");
                }
                backend.assertAnswers("/may-listen", "{\"user\":\"alice\",\"channel\":\"report:42\"}", 204);
                backend.assertAnswers("/may-listen", "{\"user\":\"bob\",\"channel\":\"report:42\"}", 403);
                backend.assertAnswers("/may-listen", "{\"user\":\"alice\",\"channel\":\"report:43\"}", 403);
                backend.assertAnswers("/may-connect", "{\"user\":\"alice\",\"claims\":{\"sub\":\"alice\"}}", 204);
                backend.assertAnswers("/may-connect", "{\"user\":\"mallory\",\"claims\":{}}", 403);
                assertThat(backend.post("/may-connect", "{}").statusCode()).isEqualTo(403);
            }
        }
    }

    /** The page is connected to one process; another emits, through the adapter. */
    @Tag("long")
    @Test
    void appBeforeItsMoveFromSocketIoGetsEvents() throws Exception {
        startPages();
        try (Backend backend = Backend.socketIo("before.js");
                Backend other = Backend.socketIo("before.js")) {
            await("the adapters")
                    .atMost(60, TimeUnit.SECONDS)
                    .until(
                            () -> STAGE.redis()
                                    .reply("PUBSUB", "NUMSUB", "socket.io-request#/#", "socket.io-request#/admin#"),
                            List.of("socket.io-request#/#", 2L, "socket.io-request#/admin#", 2L)::equals);
            Page page = browser.open(backend.address());
            Locator events = page.locator("#events li");
            assertThat(events).hasCount(3);
            assertThat(events.allTextContents())
                    .containsExactlyInAnyOrder("joined upload:42", "forbidden upload:43", "joined /admin");
            assertThat(other.post("/emit", "").statusCode()).isEqualTo(204);
            assertThat(events).hasCount(8);
            assertThat(events.allTextContents().subList(3, 8))
                    .containsExactlyInAnyOrder("50 %", "ready", "maintenance at 5", "audit of alice", "2 bytes");
            page.locator("#leave").click();
            assertThat(events).hasCount(9);
            assertThat(events.last()).hasText("team: hello");
        }
    }

    @Tag("long")
    @Test
    void appThatMovedFromSocketIoGetsEvents() throws Exception {
        startPages();
        try (Backend backend = Backend.socketIo("after.js");
                Pod pod = Pod.ready(STAGE.redis(), movedRoutes(backend))) {
            Page page = browser.open(backend.address() + "/?sluice=" + pod.webSocket("/ws"));
            Locator events = page.locator("#events li");
            assertThat(events).hasCount(4);
            assertThat(events.allTextContents())
                    .containsExactlyInAnyOrder(
                            "joined upload:42", "forbidden upload:43", "joined all:news", "joined admin:audit");
            page.locator("#emit").click();
            assertThat(events).hasCount(10);
            assertThat(events.allTextContents().subList(4, 10))
                    .containsExactlyInAnyOrder(
                            "upload:42: 50 %",
                            "ready", "maintenance at 5", "audit of alice", "2 bytes", "joined team:red");
            page.locator("#leave").click();
            assertThat(events).hasCount(11);
            assertThat(events.last()).hasText("team: hello");
        }
    }

    /** The variables of the guide, with this backend's address. */
    private static Map<String, String> movedRoutes(Backend backend) throws IOException {
        String guide = Files.readString(Path.of("docs/migrating.md"));
        Map<String, String> config = new HashMap<>(Map.of("sluice.origins", backend.address(), LOCATION, ISSUER));
        Pattern.compile("^ *(SLUICE_(?:ROUTES|WEBHOOK)_\\w+)=(\\S+)$", Pattern.MULTILINE)
                .matcher(guide)
                .results()
                .forEach(found -> config.put(
                        found.group(1).toLowerCase(Locale.ROOT).replace('_', '.'),
                        found.group(2).replace("http://backend:3001", backend.address())));
        return config;
    }

    @Test
    void nodeBackendMintsTokensAndServesPages() throws Exception {
        try (Backend backend = Backend.start();
                Client client = Client.connect(verifying().webSocket("/ws"))) {
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

    /** Last, because it ends the pod. */
    @Test
    @Order(Integer.MAX_VALUE)
    void pagesShowPublications() throws IOException {
        startPages();
        browser.open("about:blank");
        List<Page> opened = PAGES.stream()
                .map(name -> browser.openBeside(webSocketPage(name)))
                .toList();
        for (Page page : opened) {
            assertThat(page.locator("#state")).hasText("open");
        }
        pageRedis.publish("upload:42", "{\"progress_percent\":50}");
        pageRedis.publish("user:alice", "{\"text\":\"Upload 42 is ready\"}");
        for (Page page : opened) {
            assertThat(page.locator("#progress")).hasAttribute("value", "50");
            assertThat(page.locator("#notes")).hasText("Upload 42 is ready");
        }
        assertThat(browser.errors()).isEmpty();
        pagePod.terminate();
        for (Page page : opened) {
            assertThat(page.locator("#state")).not().hasText("open");
        }
    }

    @Tag("long")
    @Test
    void pageWithServerSentEventsComesBackAndMissesNothing() throws IOException {
        startPages();
        int percent = 20;
        try (TcpProxy proxy = new TcpProxy(pagePod.port())) {
            int closed = Ports.free();
            for (String name : List.of("events", "fetch")) {
                percent += 10;
                Page page = browser.open(page(name, "http://localhost:" + proxy.port() + "/sse"));
                assertThat(page.locator("#state")).hasText("open");
                pageRedis.publish("upload:42", "{\"progress_percent\":" + percent + "}");
                pageRedis.publish("user:alice", "{\"text\":\"before\"}");
                assertThat(page.locator("#progress")).hasAttribute("value", "" + percent);
                assertThat(page.locator("#notes")).hasText("before");
                assertThat(browser.errors()).isEmpty();
                proxy.leadTo(closed);
                proxy.cut();
                assertThat(page.locator("#state")).not().hasText("open");
                pageRedis.publish("user:alice", "{\"text\":\"meanwhile\"}");
                proxy.leadTo(pagePod.port());
                assertThat(page.locator("#state")).hasText("open");
                pageRedis.publish("user:alice", "{\"text\":\"after\"}");
                assertThat(page.locator("#notes li")).hasText(new String[] {"before", "meanwhile", "after"});
            }
        }
    }

    @Tag("long")
    @Test
    void pageRetriesWithoutAToken() throws IOException {
        startPages();
        for (String name : PAGES) {
            assertTriesAgain(name);
        }
    }

    private static void assertTriesAgain(String name) {
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
        page.navigate(webSocketPage(name));
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
        try (Client client = Client.of(STAGE.pod(), "publisher's").subscribe(upload)) {
            program.with(Map.of("REDIS_URL", STAGE.redis().uri())).run(script, upload, "publisher's");
            // Some publishers put a space after a colon.
            for (int percent : new int[] {0, 50, 100}) {
                assertThat(client.next().replace(": ", ":")).isEqualTo("{\"progress_percent\":" + percent + "}");
            }
            assertThat(client.next().replace(": ", ":")).isEqualTo("{\"text\":\"Upload " + upload + " is ready\"}");
        }
    }

    /** A backend on a port of its own. */
    record Backend(Process process, String address) implements AutoCloseable {

        static final String KEY = "key-of-the-webhooks";

        static Backend start() throws IOException {
            return start("backend/server.js");
        }

        static Backend express() throws IOException {
            return start("backend/express.js");
        }

        /** Starts the app before or after its move from Socket.IO. */
        static Backend socketIo(String script) throws IOException {
            return start(Program.ofNode("node", EXAMPLES.resolve("socketio")), script);
        }

        static Backend start(String script) throws IOException {
            return start(Program.ofNode("node", EXAMPLES), script);
        }

        static Backend fastApi() throws IOException {
            return start(
                    Program.pythonWith("fastapi, uvicorn, jwt, cryptography").in(EXAMPLES.resolve("backend")),
                    "-m",
                    "uvicorn",
                    "fastapi_app:app",
                    "--port",
                    "0");
        }

        private static Backend start(Program program, String... arguments) throws IOException {
            Path log = Fork.file("backend-" + BACKENDS.incrementAndGet() + ".log");
            Process process = program.with(Map.of(
                            "PRIVATE_KEY",
                            Tokens.privateKeyFile().toAbsolutePath().toString(),
                            "WEBHOOK_KEY",
                            KEY,
                            "REDIS_URL",
                            STAGE.redis().uri(),
                            "PORT",
                            "0"))
                    .start(log, arguments);
            try {
                String port = await("the backend")
                        .atMost(60, TimeUnit.SECONDS)
                        .until(
                                () -> ADDRESS.matcher(Files.readString(log))
                                        .results()
                                        .map(found -> found.group(1))
                                        .findFirst(),
                                Optional::isPresent)
                        .orElseThrow();
                return new Backend(process, "http://localhost:" + port);
            } catch (RuntimeException e) {
                process.destroy();
                throw e;
            }
        }

        HttpResponse<String> post(String path, String json) throws IOException, InterruptedException {
            return answer(HttpRequest.newBuilder(URI.create(address + path))
                    .header("Content-Type", "application/json")
                    .POST(HttpRequest.BodyPublishers.ofString(json)));
        }

        void assertAnswers(String path, String json, int status) throws IOException, InterruptedException {
            assertThat(post(path + "?key=" + KEY, json).statusCode()).as(json).isEqualTo(status);
        }

        @Override
        public void close() {
            process.destroy();
        }
    }

    private static HttpResponse<String> answer(HttpRequest.Builder request) throws IOException, InterruptedException {
        // Uvicorn loses the body of a request that offers HTTP/2.
        return HttpClient.newHttpClient()
                .send(request.version(HttpClient.Version.HTTP_1_1).build(), HttpResponse.BodyHandlers.ofString());
    }
}
