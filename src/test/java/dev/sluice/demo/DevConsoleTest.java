package dev.sluice.demo;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.AriaRole;
import dev.sluice.browser.Browser;
import dev.sluice.harness.TcpProxy;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import java.io.IOException;
import java.net.URI;
import java.util.Collections;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Uses the page of dev mode in a real browser. */
@QuarkusTest
@TestProfile(Dev.class)
class DevConsoleTest {

    private static final int UPLOADS = 3;
    private static final int STEPS = 30;
    private static final Pattern PERCENT = Pattern.compile("\\d+ %");

    @TestHTTPResource("/")
    URI root;

    private static @Nullable Browser started;

    private Browser browser;
    private Page page;

    @BeforeEach
    void open() {
        started = started == null ? Browser.start() : started;
        browser = started;
        page = browser.open(root.toString());
        assertThat(page.locator("#state")).hasText("live");
        assertThat(person("alice").locator(".state")).hasText("live");
        assertThat(person("bob").locator(".state")).hasText("live");
    }

    @AfterAll
    static void close() {
        if (started != null) {
            started.close();
        }
    }

    @Tag("long")
    @Test
    void developerSignsInAgainWithoutATokenOfTheirOwn() {
        button(page.locator("header"), "Sign out").click();
        assertThat(page.locator("#state")).hasText("signed out");
        button(page.locator("#sign-in"), "Sign in with a token of dev mode").click();
        assertThat(page.locator("#state")).hasText("live");
    }

    @Tag("long")
    @Test
    void uploadProgressIsShownToItsUserOnly() {
        button(person("alice"), "Start three uploads").click();
        assertThat(page.locator("#users")).containsText(Pattern.compile("alice.*upload:.*bob", Pattern.DOTALL));
        page.locator("#channel").fill("user:bob");
        page.locator("#payload").fill("{\"text\":\"only for bob\"}");
        button(page.locator("#publish"), "Publish").click();
        assertThat(page.locator("#published")).hasText("Redis passed the message to one pod.");
        assertThat(person("bob").locator(".note")).hasText("only for bob");
        assertThat(person("alice").locator(".percent").first()).hasText(Pattern.compile("[456]\\d %"));
        browser.readmeScreenshots("readme");
        browser.screenshots("dev");
        browser.assertUsableByAll();
        assertThat(person("alice").locator(".note")).hasText("Your 3 uploads are ready");
        assertThat(person("alice").locator(".percent")).hasText(new String[] {"100 %", "100 %", "100 %"});
        assertThat(person("bob").locator(".uploads")).isEmpty();
        assertThat(person("bob").locator(".messages .text")).hasText("{\"text\":\"only for bob\"}");
        assertThat(person("alice").locator(".messages")).not().containsText("only for bob");
        assertThat(browser.errors()).isEmpty();
    }

    /** The README's payload is no typed event. */
    @Tag("long")
    @Test
    void anyPayloadWithProgressIsShown() {
        person("alice").locator(".follow input").fill("upload:42");
        person("alice").locator(".follow input").press("Enter");
        assertThat(person("alice").locator(".stage")).hasText("nothing published yet");
        assertThat(person("alice").locator(".messages")).containsText("subscribed to upload:42");
        page.locator("#channel").fill("upload:42");
        page.locator("#payload").fill("{\"progress_percent\":50}");
        button(page.locator("#publish"), "Publish").click();
        assertThat(person("alice").locator(".percent")).hasText("50 %");
        assertThat(person("alice").locator(".stage")).hasText("published");
    }

    @Test
    void addedUserCanFollowAnUpload() {
        page.locator("#name").fill("carol");
        page.locator("#name").press("Enter");
        button(person("carol"), "Start three uploads").click();
        String upload = person("carol").locator(".id").first().textContent();
        person("alice").locator(".follow input").fill(upload);
        person("alice").locator(".follow input").press("Enter");
        assertThat(person("alice").locator(".percent")).hasText(PERCENT);
        button(page.locator("#users"), "Disconnect carol").click();
        page.locator("#disconnect").click();
        assertThat(person("carol").locator(".state")).hasText("closed: disconnected by an operator");
        button(person("carol"), "Connect again").click();
        assertThat(person("carol").locator(".state")).hasText("live");
        button(person("carol"), "Remove carol").click();
        assertThat(person("carol")).hasCount(0);
        assertThat(page.locator("#users")).not().containsText("carol");
        assertThat(browser.errors()).isEmpty();
    }

    @Tag("long")
    @Test
    void everyStepOfUploadsIsShownDespiteALostConnection() {
        try (TcpProxy network = new TcpProxy(root.getPort())) {
            page = browser.open("http://localhost:" + network.port() + "/");
            Locator alice = person("alice");
            assertThat(alice.locator(".state")).hasText("live");
            alice.locator(".messages").evaluate("""
                    list => {
                      window.received = [];
                      new MutationObserver(changes => changes.forEach(({ addedNodes }) =>
                        addedNodes.forEach(line => received.push(line.querySelector('.text').textContent)))).observe(list, { childList: true });
                    }""");
            button(alice, "Start three uploads").click();
            assertThat(alice.locator(".percent").first()).hasText(PERCENT);
            for (int connections = 2; connections <= 4; connections++) {
                network.cut();
                page.waitForFunction(
                        "count => received.filter(line => line.startsWith('subscribed to')).length === count",
                        UPLOADS * connections);
            }
            assertThat(alice.locator(".note")).hasText("Your 3 uploads are ready");
            Object steps = page.evaluate("""
                    () => {
                      const steps = {};
                      for (const line of received.filter(line => line.includes('"upload_progress"'))) {
                        const { upload_id, progress_percent } = JSON.parse(line).payload;
                        (steps[upload_id] ??= []).push(progress_percent);
                      }
                      return Object.values(steps);
                    }""");
            List<Integer> all = IntStream.rangeClosed(1, STEPS)
                    .mapToObj(step -> 100 * step / STEPS)
                    .toList();
            assertThat(steps).isEqualTo(Collections.nCopies(UPLOADS, all));
            assertThat(alice.locator(".gap")).isHidden();
        }
    }

    @Tag("long")
    @Test
    void redisOutageIsShownAndEnds() throws IOException {
        ProcessHandle redis = redis();
        String command = redis.info().command().orElseThrow();
        String port = page.locator("#redis").textContent().replaceAll(".*:", "");
        redis.destroyForcibly();
        Locator gap = person("alice").locator(".gap");
        assertThat(gap).containsText("No subscription to Redis since");
        assertThat(page.locator("#state")).hasText("live, but the pod has no Redis subscription");
        Process again = new ProcessBuilder(command, "--port", port, "--bind", "127.0.0.1", "--save", "")
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        // Later tests need it.
        Runtime.getRuntime().addShutdownHook(new Thread(again::destroy));
        assertThat(gap).containsText(Pattern.compile("between .* and .* may be lost"));
        assertThat(page.locator("#state")).hasText("live");
        assertThat(page.locator(".tile").filter(new Locator.FilterOptions().setHasText("Gaps")))
                .containsText(Pattern.compile("1\\s*the last at"));
        button(page.locator("#publish"), "Publish").click();
        assertThat(person("alice").locator(".note")).hasText("Hello Alice");
        assertThat(browser.errors()).isEmpty();
    }

    /** Returns the Redis that dev mode started. */
    private static ProcessHandle redis() {
        try (Stream<ProcessHandle> children = ProcessHandle.current().children()) {
            return children.filter(child -> child.info().command().orElse("").contains("redis-server"))
                    .findFirst()
                    .orElseThrow();
        }
    }

    private Locator person(String name) {
        return page.getByRole(
                AriaRole.ARTICLE, new Page.GetByRoleOptions().setName(name).setExact(true));
    }

    private static Locator button(Locator in, String name) {
        return in.getByRole(
                AriaRole.BUTTON, new Locator.GetByRoleOptions().setName(name).setExact(true));
    }
}
