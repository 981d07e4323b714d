package dev.sluice.browser;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.ConsoleMessage;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.assertions.PlaywrightAssertions;
import com.microsoft.playwright.options.ColorScheme;
import com.microsoft.playwright.options.ReducedMotion;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A headless Chromium of this machine. Not thread-safe. */
public final class Browser implements AutoCloseable {

    private static final int TIMEOUT_MILLIS = 60_000;
    private static final int WIDTH = 1280;
    private static final int PHONE_WIDTH = 390;
    private static final int HEIGHT = 844;
    private static final int README_HEIGHT = 796;

    /** Returns the short words in tables that continue on the next line. */
    private static final String BROKEN_WORDS = """
            () => {
              const broken = [];
              const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
              for (let text; (text = texts.nextNode()); ) {
                if (!text.parentElement.closest('tbody')) continue;
                for (const word of text.data.matchAll(/(?<!\\S)\\S{1,16}(?!\\S)/g)) {
                  const range = document.createRange();
                  range.setStart(text, word.index);
                  range.setEnd(text, word.index + word[0].length);
                  if (range.getClientRects().length > 1) broken.push(word[0]);
                }
              }
              return broken;
            }""";

    private final Playwright playwright;
    private final com.microsoft.playwright.Browser chromium;
    private final List<String> errors = new CopyOnWriteArrayList<>();
    private @Nullable Page page;

    private Browser(Path executable, Path node) {
        System.setProperty("playwright.nodejs.path", node.toString());
        playwright = Playwright.create(
                new Playwright.CreateOptions().setEnv(Map.of("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")));
        // As root, Chromium starts only without its sandbox; the pages are ours.
        chromium = playwright
                .chromium()
                .launch(new BrowserType.LaunchOptions()
                        .setExecutablePath(executable)
                        .setChromiumSandbox(false));
        PlaywrightAssertions.setDefaultAssertionTimeout(TIMEOUT_MILLIS);
    }

    /** Starts the browser. Without one the test is skipped; in CI, which installs it, the test fails. */
    public static Browser start() {
        Optional<Path> chromium = find("chromium", "chromium-browser", "google-chrome");
        Optional<Path> node = find("node");
        boolean there = chromium.isPresent() && node.isPresent();
        if ("true".equals(System.getenv("CI"))) {
            assertThat(there).as("Chromium and Node, which CI installs").isTrue();
        }
        assumeTrue(there, "NOT TESTED in a browser: that needs Chromium and Node in the PATH");
        return new Browser(chromium.orElseThrow(), node.orElseThrow());
    }

    private static Optional<Path> find(String... names) {
        return Stream.of(System.getenv("PATH").split(File.pathSeparator))
                .flatMap(folder -> Arrays.stream(names).map(name -> Path.of(folder, name)))
                .filter(Files::isExecutable)
                .findFirst();
    }

    /** Opens a page in a new session, in place of the previous one. */
    public Page open(String url) {
        if (page != null) {
            page.context().close();
        }
        errors.clear();
        return openBeside(url);
    }

    /** Opens a page in a new session, and leaves the previous one open. */
    public Page openBeside(String url) {
        page = chromium.newContext(new com.microsoft.playwright.Browser.NewContextOptions()
                        .setViewportSize(WIDTH, HEIGHT)
                        .setReducedMotion(ReducedMotion.REDUCE))
                .newPage();
        page.setDefaultTimeout(TIMEOUT_MILLIS);
        page.onConsoleMessage(this::said);
        page.onPageError(errors::add);
        page.navigate(url);
        return page;
    }

    /** Returns the errors of the page, except failed connections. */
    public List<String> errors() {
        return errors;
    }

    private void said(ConsoleMessage message) {
        if (message.type().equals("error") && !message.text().contains("net::ERR_")) {
            errors.add(message.text());
        }
    }

    /** Sets the preferred color scheme. */
    private void prefers(ColorScheme scheme) {
        page().emulateMedia(new Page.EmulateMediaOptions().setColorScheme(scheme));
    }

    /** Asserts that the page has no serious accessibility problem, light and dark, and fits the width of a phone. */
    public void assertUsableByAll() {
        for (ColorScheme scheme : List.of(ColorScheme.LIGHT, ColorScheme.DARK)) {
            prefers(scheme);
            assertThat(seriousTrouble()).as(scheme.name()).isEmpty();
        }
        page().setViewportSize(PHONE_WIDTH, HEIGHT);
        assertThat(page().evaluate("() => document.documentElement.scrollWidth"))
                .isEqualTo(PHONE_WIDTH);
        assertThat(page().evaluate(BROKEN_WORDS)).as("broken words").isEqualTo(List.of());
        page().setViewportSize(WIDTH, HEIGHT);
        prefers(ColorScheme.LIGHT);
    }

    @SuppressWarnings("unchecked")
    private List<String> seriousTrouble() {
        page().evaluate(axe());
        return (List<String>) page().evaluate("""
                async () => (await axe.run()).violations
                  .filter(({ impact }) => impact === 'serious' || impact === 'critical')
                  .map(({ id, nodes }) => `${id}: ${nodes.map(({ html, any }) => html + ' ' + any[0]?.message).join(' ')}`)""");
    }

    private static String axe() {
        try (InputStream in = Objects.requireNonNull(Browser.class.getResourceAsStream("/axe.min.js"))) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Takes screenshots of the whole page, light, dark, and on a phone, into {@code target/screenshots}. */
    public void screenshots(String name) {
        page().setViewportSize(PHONE_WIDTH, HEIGHT);
        screenshot(Path.of("target", "screenshots", name + "-phone.png"));
        page().setViewportSize(WIDTH, HEIGHT);
        for (ColorScheme scheme : List.of(ColorScheme.DARK, ColorScheme.LIGHT)) {
            prefers(scheme);
            screenshot(file(name, scheme));
        }
    }

    /** Takes the README's screenshots, light and dark: the upper part of the page, into {@code target/screenshots}. */
    public void readmeScreenshots(String name) {
        for (ColorScheme scheme : List.of(ColorScheme.LIGHT, ColorScheme.DARK)) {
            prefers(scheme);
            page().screenshot(new Page.ScreenshotOptions()
                    .setFullPage(true)
                    .setClip(0, 0, WIDTH, README_HEIGHT)
                    .setPath(file(name, scheme)));
        }
    }

    private void screenshot(Path file) {
        page().screenshot(new Page.ScreenshotOptions().setFullPage(true).setPath(file));
    }

    private static Path file(String name, ColorScheme scheme) {
        return Path.of("target", "screenshots", name + "-" + scheme.name().toLowerCase(Locale.ROOT) + ".png");
    }

    private Page page() {
        return Objects.requireNonNull(page);
    }

    @Override
    public void close() {
        playwright.close();
    }
}
