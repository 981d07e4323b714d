package dev.sluice.integration;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Page;
import com.microsoft.playwright.Route;
import com.microsoft.playwright.options.AriaRole;
import dev.sluice.browser.Browser;
import dev.sluice.harness.Ports;
import dev.sluice.harness.TcpProxy;
import dev.sluice.harness.Tokens;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Installs what {@code npm pack} makes of the client module into an application built with Vite, and opens its pages. */
@Tag("long")
class ClientPackageIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    private static final Path CLIENT = Path.of("client");
    private static final Path APP = CLIENT.resolve("test/app");
    private static final Path PACKED = Path.of("target/client-package").toAbsolutePath();
    private static final Path INSTALLED = APP.resolve("node_modules/sluice-client");
    private static final Path BUILT = Path.of("target/client-app");

    @AutoClose
    private static @Nullable Browser started;

    @BeforeAll
    static void buildTheApplication() throws IOException {
        started = Browser.start();
        Program npm = Program.ofNode("npm", APP);
        Files.createDirectories(PACKED);
        String archive = npm.in(CLIENT)
                .run("pack", "--silent", "--pack-destination", PACKED.toString())
                .strip();
        npm.run(
                "install",
                "--no-save",
                "--offline",
                "--ignore-scripts",
                PACKED.resolve(archive).toString());
        npm.run("run", "build");
    }

    @Test
    void packageHasTheProjectsLicence() {
        assertThat(INSTALLED.resolve("LICENSE")).hasSameTextualContentAs(Path.of("LICENSE"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"react", "vue"})
    void hookShowsPublicationsAndResumesAfterACut(String framework) throws IOException {
        Browser browser = Objects.requireNonNull(started);
        String upload = Stage.upload();
        String next = Stage.upload();
        STAGE.pod().awaitPositions();
        int closed = Ports.free();
        try (TcpProxy proxy = new TcpProxy(STAGE.pod().port())) {
            // Of the pod's own origin, so that it may connect.
            String origin = "http://localhost:" + proxy.port();
            Page page = browser.open("about:blank");
            // Chromium does not know that files of the test are local, and asks before such pages connect to this host.
            page.context().grantPermissions(List.of("local-network-access"));
            page.route(origin + "/app/**", ClientPackageIT::serve);
            page.navigate("%s/app/%s.html?user=%s&upload=%s&next=%s#%s"
                    .formatted(origin, framework, framework, upload, next, Tokens.of(framework)));
            assertThat(page.locator(".upload")).hasAttribute("title", "open");
            STAGE.pod().awaitHandled(STAGE.redis());
            STAGE.redis().publish("upload:" + upload, "{\"progress_percent\":50}");
            STAGE.redis().publish("user:" + framework, "before");
            assertThat(page.locator(".upload")).hasText(upload + ": 50 %");
            assertThat(page.locator("li")).hasText("before");
            assertThat(page.locator("em")).hasText(framework);
            button(page, "More");
            assertThat(page.locator(".upload")).hasText(new String[] {upload + ": 50 %", upload + ": 50 %"});

            proxy.leadTo(closed);
            proxy.cut();
            assertThat(page.locator(".upload").first()).not().hasAttribute("title", "open");
            STAGE.redis().publish("upload:" + upload, "{\"progress_percent\":60}");
            STAGE.redis().publish("user:" + framework, "meanwhile");
            proxy.leadTo(STAGE.pod().port());
            assertThat(page.locator(".upload").first()).hasAttribute("title", "open");
            STAGE.redis().publish("user:" + framework, "after");
            assertThat(page.locator("li")).hasText(new String[] {"before", "meanwhile", "after"});
            assertThat(page.locator(".upload")).hasText(new String[] {upload + ": 60 %", upload + ": 60 %"});
            assertThat(page.locator("output")).hasText("0 gaps");

            STAGE.redis().publish("upload:" + next, "{\"progress_percent\":10}");
            button(page, "Next");
            assertThat(page.locator(".upload")).hasText(new String[] {next + ": 10 %", next + ": 10 %"});
            assertThat(page.locator("em")).hasText(framework);
            // Those of the attempts to connect while the connection was cut.
            assertThat(browser.errors()).allMatch(error -> error.startsWith("WebSocket connection to"));
        }
    }

    private static void button(Page page, String name) {
        page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName(name))
                .click();
    }

    private static void serve(Route route) {
        String path = URI.create(route.request().url()).getPath();
        route.fulfill(new Route.FulfillOptions().setPath(BUILT.resolve(path.substring("/app/".length()))));
    }
}
