package dev.sluice.integration;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.microsoft.playwright.Page;
import com.microsoft.playwright.Route;
import com.microsoft.playwright.options.Cookie;
import dev.sluice.browser.Browser;
import dev.sluice.harness.Client;
import dev.sluice.harness.Fork;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Tokens;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;

/** Runs the code in {@code README.md}, with other addresses. */
class ReadmeIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    private static final String MESSAGE = "{\"progress_percent\":50}";
    private static final Path CENTRIFUGE = Path.of("src/test/centrifuge");

    @Test
    void eachLineForBackendsPublishes() throws IOException {
        String redis = STAGE.redis().uri();
        try (Client client = Client.of(STAGE.pod(), "reader").subscribe("42")) {
            Program.pythonWith("redis")
                    .run(
                            "-c",
                            "import json, redis\n"
                                    + block("python", "publish")
                                            .replace("redis.Redis()", "redis.Redis.from_url('" + redis + "')"));
            assertHears(client);
            Program.ofNode("node", Path.of("examples"))
                    .run(
                            "--input-type=module",
                            "--eval",
                            "import { Redis } from 'ioredis';\n"
                                    + block("js", "new Redis()").replace("new Redis()", "new Redis('" + redis + "')")
                                    + "process.exit();");
            assertHears(client);
            Program.java().run(javaProgram(redis).toString());
            assertHears(client);
            Program.named("redis-cli");
            Program.named("sh")
                    .run(
                            "-c",
                            block("sh", "PUBLISH")
                                    .replace(
                                            "redis-cli",
                                            "redis-cli -p " + STAGE.redis().port()));
            assertHears(client);
        }
    }

    private static Path javaProgram(String redis) throws IOException {
        String line = block("java", "publish")
                .replace("new Jedis()", "new redis.clients.jedis.Jedis(java.net.URI.create(\"" + redis + "\"))");
        return Files.writeString(
                Fork.file("Line.java"), "class Line { public static void main(String[] arguments) { " + line + " } }");
    }

    private static void assertHears(Client client) {
        assertThat(client.next().replace(": ", ":")).isEqualTo(MESSAGE);
    }

    @Test
    void eachWayToListenHears() throws IOException {
        Program.ofNode("node", CENTRIFUGE);
        try (Browser browser = Browser.start();
                ExamplesIT.Backend backend = ExamplesIT.Backend.start();
                Pod pod = Pod.ready(
                        STAGE.redis(),
                        Map.of(
                                "sluice.origins", backend.address(),
                                "mp.jwt.token.header", "Cookie",
                                "mp.jwt.token.cookie", "session"))) {
            String server = "localhost:" + pod.port();
            for (String way : List.of("new WebSocket", "new Sluice", "new EventSource", "new Centrifuge")) {
                Page page = browser.open("about:blank");
                page.context()
                        .addCookies(List.of(new Cookie("session", Tokens.of("reader")).setUrl("http://" + server)));
                // Any document of the backend will do.
                page.navigate(backend.address() + "/sluice.js");
                page.addScriptTag(new Page.AddScriptTagOptions()
                        .setPath(CENTRIFUGE.resolve("node_modules/centrifuge/dist/centrifuge.js")));
                page.evaluate("""
                        token => Object.assign(window, {
                          token, heard: [], fetched: 0, fetchToken: () => token, getToken: async () => token,
                          fetchState: () => fetched++,
                          renewed: 0, renewCookie: async () => renewed++,
                          show: (...said) => heard.push(said.at(-1)),
                        })""", Tokens.of("reader"));
                AtomicInteger streams = new AtomicInteger();
                page.route("**/sse?*", route -> answerStream(route, streams.incrementAndGet(), backend.address()));
                page.evaluate("async () => { const { Sluice } = await import('/sluice.js');\n"
                        + block("js", way)
                                .replace("https://sluice.example.org", "http://" + server)
                                .replace("wss://sluice.example.org", "ws://" + server)
                        + "}");
                await(way).atMost(60, TimeUnit.SECONDS).until(() -> {
                    STAGE.redis().publish("upload:42", MESSAGE);
                    return page.evaluate("JSON.stringify(heard.find(said => said.progress_percent)) ?? ''")
                            .equals(MESSAGE);
                });
                if (streams.get() > 0) {
                    // For the gap, and for the connection that does not resume.
                    assertThat((int) page.evaluate("fetched")).as("fetched").isGreaterThanOrEqualTo(2);
                    assertThat((int) page.evaluate("renewed")).as("renewed").isPositive();
                }
            }
            assertOwnPageHears(browser.open("about:blank"), backend, server);
        }
    }

    /** Answers the first request for a stream as a proxy without a pod, and the second with a gap. */
    private static void answerStream(Route route, int request, String origin) {
        switch (request) {
            case 1 -> route.fulfill(new Route.FulfillOptions().setStatus(502));
            case 2 ->
                route.fulfill(new Route.FulfillOptions()
                        .setHeaders(Map.of(
                                "Content-Type", "text/event-stream",
                                "Access-Control-Allow-Origin", origin,
                                "Access-Control-Allow-Credentials", "true"))
                        .setBody("""
                                retry: 100
                                event: sluice
                                data: {"action":"subscribed","channels":["upload:42"],"recovered":true}

                                event: sluice
                                data: {"action":"gap","since":"2026-11-30T12:00:00.000Z","until":null}

                                event: sluice
                                data: {"action":"gap","since":"2026-11-30T12:00:00.000Z","until":"2026-11-30T12:00:05.000Z"}

                                """));
            default -> route.resume();
        }
    }

    private static void assertOwnPageHears(Page page, ExamplesIT.Backend backend, String server) throws IOException {
        page.navigate(backend.address() + "/sluice.js?upload:7#" + Tokens.of("alice"));
        page.evaluate(
                "html => { document.open(); document.write(html); document.close(); }",
                block("html", "new WebSocket").replace("localhost:8080", server));
        assertThat(page.locator("#heard")).containsText("auth_success");
        assertThat(page.locator("#heard")).containsText("\"subscribed\"");
        STAGE.redis().publish("user:alice", "{\"text\":\"hello\"}");
        assertThat(page.locator("#heard")).containsText("{\"text\":\"hello\"}");
    }

    /** Returns the block of code in this language that contains this text. */
    private static String block(String language, String containing) throws IOException {
        List<String> blocks = Pattern.compile("^```" + language + "\n(.*?)^```$", Pattern.MULTILINE | Pattern.DOTALL)
                .matcher(Files.readString(Path.of("README.md")))
                .results()
                .map(found -> found.group(1))
                .filter(code -> code.contains(containing))
                .toList();
        assertThat(blocks).as("blocks with " + containing).hasSize(1);
        return blocks.get(0);
    }
}
