package dev.sluice.integration;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Route;
import com.microsoft.playwright.options.AriaRole;
import dev.sluice.browser.Browser;
import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import dev.sluice.harness.Tokens;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jose4j.jwt.JwtClaims;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Uses the console as an operator in production does, in a real browser. */
@Order(1)
class BrowserIT {

    // With a list of origins, as if users' pages came from another host than the console.
    private static final Map<String, String> CONFIG = Map.of(
            "sluice.console.enabled", "true",
            "sluice.drain.period", "1s",
            "sluice.origins", "https://app.example.org");

    private static final String OPERATOR = Tokens.withGroups("admin", "operator");

    @AutoClose
    private static @Nullable Browser started;

    @AutoClose
    private static Redis redis;

    @AutoClose
    private static Pod pod;

    private Browser browser;
    private Page page;

    @BeforeAll
    static void start() {
        started = Browser.start();
        redis = Redis.start();
        pod = Pod.ready(redis, CONFIG);
    }

    @BeforeEach
    void open() {
        browser = Objects.requireNonNull(started);
        page = browser.open(pod.http("/").toString());
    }

    @Test
    void consoleNeedsAnOperatorToken() {
        Locator console = page.locator("#console");
        assertThat(page.locator("#state")).hasText("signed out");
        assertThat(console).isHidden();
        browser.assertUsableByAll();
        signIn("nonsense");
        assertThat(page.locator("#refusal")).hasText("The token is invalid.");
        JwtClaims expired = Tokens.claims("7");
        expired.setExpirationTimeMinutesInTheFuture(-1);
        signIn(Tokens.sign(expired));
        assertThat(page.locator("#refusal")).hasText("The token has expired.");
        signIn(Tokens.withGroups("7", "publisher"));
        assertThat(page.locator("#refusal")).containsText("do not contain");
        assertThat(console).isHidden();
        assertThat(page.locator("#facts")).isHidden();
        assertThat(page.locator("#redis")).isEmpty();
        signIn(OPERATOR);
        assertThat(page.locator("#state")).hasText("live");
        assertThat(console).isVisible();
        assertThat(page.locator("#redis")).hasText(redis.uri());
        button("Sign out").click();
        assertThat(console).isHidden();
        assertThat(page.locator("#token")).isFocused();
        page.reload();
        assertThat(page.locator("#sign-in")).isVisible();
        assertThat(console).isHidden();
        assertThat(browser.errors())
                .allMatch(error -> error.contains("status of 401") || error.contains("status of 403"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"console.js", "format.js", "extras.js"})
    void pageReportsAScriptThatDoesNotLoad(String file) {
        assertThat(page.locator("#state")).hasText("signed out");
        assertThat(page.locator("#unloaded")).hasCount(0);
        page.route("**/console/" + file, route -> route.fulfill(new Route.FulfillOptions().setStatus(403)));
        page.reload();
        assertThat(page.locator("#unloaded")).isVisible();
        assertThat(page.locator("#unloaded")).containsText("did not load");
        browser.assertUsableByAll();
    }

    @Test
    void figuresUpdateAndSearchAndDisconnectWork() {
        signIn(OPERATOR);
        assertThat(tile("Connections")).containsText("0 users");
        try (Client alice = Client.of(pod, "alice").subscribe("42");
                Client bob = Client.of(pod, "bob")) {
            assertThat(tile("Connections")).containsText("2 users, 1 subscription");
            assertThat(tile("Deliveries per second").locator("strong")).hasText("0");
            Thread publisher = new Thread(() -> {
                while (!Thread.currentThread().isInterrupted()) {
                    redis.publish("upload:42", "news");
                }
            });
            publisher.start();
            try {
                assertThat(tile("Deliveries per second").locator("strong"))
                        .not()
                        .hasText("0");
                assertThat(tile("Delivery latency").locator("strong")).containsText("ms");
                assertThat(tile("Canary").locator("strong")).containsText("ms");
            } finally {
                publisher.interrupt();
            }
            assertThat(page.locator("#users tr")).hasCount(2);
            page.locator("#text").fill("upload:42");
            assertThat(page.locator("#users tr")).hasCount(1);
            assertThat(page.locator("#found")).hasText("1 user matches");
            page.locator("#text").fill("BO");
            assertThat(page.locator("#users tr")).containsText("bob");
            page.locator("#text").fill("");
            assertThat(page.locator("#users tr")).hasCount(2);
            page.locator("#text").blur();
            browser.screenshots("console");
            browser.assertUsableByAll();
            // Uses only the keyboard.
            button("Disconnect bob").focus();
            page.keyboard().press("Enter");
            assertThat(page.locator("#question")).hasText("Disconnect bob?");
            page.keyboard().press("Escape");
            assertThat(page.locator("#confirm")).isHidden();
            assertThat(button("Disconnect bob")).isFocused();
            button("Disconnect bob").click();
            browser.assertUsableByAll();
            page.locator("#disconnect").click();
            assertThat(bob.closeCode()).isEqualTo(4503);
            assertThat(page.locator("#done")).hasText("bob was disconnected: 1 connection on this pod");
            assertThat(page.locator("#ends tr").first()).containsText(Pattern.compile("bob.*operator \\(4503\\)"));
            assertThat(page.locator("#users tr")).hasCount(1);
            assertThat(alice.isOpen()).isTrue();
        }
        assertThat(browser.errors()).isEmpty();
    }

    @Tag("long")
    @Test
    void pageShowsOutagesAndReconnects() {
        signIn(OPERATOR);
        assertThat(page.locator("#state")).hasText("live");
        redis.kill();
        assertThat(page.locator("#state")).hasText("live, but the pod has no Redis subscription");
        assertThat(page.locator("#live")).hasText("not live");
        assertThat(tile("Gaps")).containsText("still open");
        redis.startAgain();
        assertThat(page.locator("#state")).hasText("live");
        assertThat(tile("Gaps")).containsText("the last at");
        int port = pod.port();
        pod.terminate();
        pod.exit(Duration.ofSeconds(60));
        assertThat(page.locator("#state")).hasText("connection lost, reconnecting");
        assertThat(page.locator("#console")).hasClass("stale");
        pod = Pod.ready(redis, Map.of("sluice.console.enabled", "true", "quarkus.http.port", String.valueOf(port)));
        assertThat(page.locator("#state")).hasText("live");
        assertThat(page.locator("#console")).not().hasClass("stale");
        assertThat(tile("Gaps")).containsText("none since the start");
        assertThat(browser.errors()).isEmpty();
    }

    private void signIn(String token) {
        page.locator("#token").fill(token);
        page.locator("#token").press("Enter");
    }

    private Locator tile(String title) {
        return page.locator(".tile").filter(new Locator.FilterOptions().setHasText(title));
    }

    private Locator button(String name) {
        return page.getByRole(
                AriaRole.BUTTON, new Page.GetByRoleOptions().setName(name).setExact(true));
    }
}
