package dev.sluice.integration;

import static org.assertj.core.api.Assertions.as;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import dev.sluice.harness.Tokens;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.jose4j.jwt.JwtClaims;
import org.jose4j.jwt.NumericDate;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Tests the console's requests without a browser. */
class ConsoleIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    private static final String UPDATES = "/api/console/updates";
    private static final String USERS = "/api/console/users";
    private static final Pattern FILE = Pattern.compile("(?:href|src)=\"(/[^\"]+)\"|from '\\./([^']+)'");

    @AutoClose
    private static Redis redis;

    @AutoClose
    private static Pod pod;

    @BeforeAll
    static void start() {
        redis = Redis.withPassword("hush");
        pod = Pod.ready(redis, Map.of("sluice.console.enabled", "true", "quarkus.redis.password", "hush"));
    }

    @Test
    void disabledConsoleIsNotFound() {
        for (String path : List.of("/", "/console/index.html", "/console/console.js", "/console/client/sluice.js")) {
            assertThat(STAGE.pod().status(path)).as(path).isEqualTo(404);
        }
        for (String path : List.of(UPDATES, USERS)) {
            Api.assertProblem(Api.operator(STAGE.pod()).get(path), 404);
            Api.assertProblem(Api.with(STAGE.pod(), "").get(path), 404);
        }
    }

    @Test
    void pageLoadsOnlyFromItsOwnPod() throws IOException {
        Set<String> seen = new HashSet<>(Set.of("/"));
        List<String> paths = new ArrayList<>(seen);
        for (int i = 0; i < paths.size(); i++) {
            HttpResponse<String> file = Api.with(pod, "").get(paths.get(i));
            assertThat(file.statusCode()).as(paths.get(i)).isEqualTo(200);
            assertThat(file.headers().firstValue("Content-Security-Policy").orElseThrow())
                    .startsWith("default-src 'none'; script-src 'self'; style-src 'self';")
                    .doesNotContain("unsafe");
            assertThat(file.headers().allValues("Content-Type")).hasSize(1);
            assertThat(file.body()).doesNotContain("<script>", " style=\"", "onclick=\"", "//cdn");
            Matcher needed = FILE.matcher(file.body());
            while (needed.find()) {
                String path = needed.group(1) == null ? "/console/" + needed.group(2) : needed.group(1);
                if (seen.add(path)) {
                    paths.add(path);
                }
            }
        }
        assertThat(Api.with(pod, "").get("/console/client/sluice.js").body())
                .isEqualTo(Files.readString(Path.of("client", "sluice.js")));
        assertThat(paths)
                .contains("/console/style.css", "/console/sluice.svg", "/console/console.js", "/console/chart.js");
    }

    @Test
    void otherRolesAreRefused() {
        for (String path : List.of(UPDATES, USERS)) {
            Api.assertProblem(Api.with(pod, "").get(path), 401);
            Api.assertProblem(
                    Api.with(pod, Tokens.signedByAnotherKey(Tokens.claims("7"))).get(path), 401);
            Api.assertProblem(Api.publisher(pod).get(path), 403);
            Api.assertProblem(Api.with(pod, Tokens.of("7")).get(path), 403);
        }
    }

    @Test
    void watcherGetsPodInfoAndUpdatesEverySecond() {
        Instant before = Instant.now();
        try (Watcher watcher = new Watcher(pod, operator(600))) {
            Json first = watcher.next();
            assertThat(first.getString("facts.redis")).isEqualTo("redis://127.0.0.1:" + redis.port());
            assertThat(Instant.parse(first.getString("facts.since"))).isBefore(before);
            assertThat(Instant.parse(first.getString("facts.live"))).isBefore(before);
            assertThat(first.getString("facts.version")).isNotEmpty();
            try (Client client = Client.of(pod, "watched")) {
                Json sample = watcher.await(
                        update -> update.getList("samples").size() == 1 && update.getInt("samples[0].connections") > 0);
                assertThat(sample.getBoolean("samples[0].live")).isTrue();
                assertThat(sample.getLong("samples[0].residentBytes"))
                        .isPositive()
                        .isLessThan(sample.getLong("samples[0].memoryLimitBytes"));
                redis.cutSubscribers();
                client.leave();
            }
            Json end = watcher.await(update -> update.getList("ends.user").contains("watched"));
            assertThat(end.<Map<String, Object>>getList("ends"))
                    .filteredOn("user", "watched")
                    .singleElement(as(InstanceOfAssertFactories.MAP))
                    .containsEntry("reason", "client_closed")
                    .containsEntry("code", 1000);
            Json gap = watcher.await(update -> update.get("facts.gap.until") != null);
            assertThat(Instant.parse(gap.getString("facts.gap.since"))).isAfter(before.minusSeconds(20));
            assertThat(gap.getString("facts.live")).isEqualTo(gap.getString("facts.gap.until"));
        }
        try (Watcher later = new Watcher(pod, operator(600))) {
            Json first = later.next();
            assertThat(first.getList("samples")).as("what was before").hasSizeGreaterThan(1);
            assertThat(first.<String>getList("ends.user")).contains("watched");
        }
    }

    @Test
    void expiredTokenEndsWatching() {
        try (Watcher watcher = new Watcher(pod, operator(2))) {
            watcher.awaitEnd();
        }
    }

    @Test
    void simultaneousWatchersAreBounded() {
        List<Watcher> watchers = new ArrayList<>();
        try {
            for (int i = 0; i < 16; i++) {
                // The pod may notice the end of an earlier watcher late.
                Watcher watcher = await("room")
                        .ignoreException(UncheckedIOException.class)
                        .until(() -> new Watcher(pod, operator(600)), admitted -> true);
                watchers.add(watcher);
                watcher.next();
            }
            HttpResponse<String> refused = Api.operator(pod).get(UPDATES);
            Api.assertProblem(refused, 503);
            assertThat(refused.headers().firstValue("Retry-After")).isPresent();
        } finally {
            watchers.forEach(Watcher::close);
        }
        await().untilAsserted(() -> {
            try (Watcher watcher = new Watcher(pod, operator(600))) {
                watcher.next();
            }
        });
    }

    @Test
    void searchFindsUsersByNameOrChannelInPages() {
        List<Client> clients = new ArrayList<>();
        try {
            for (int i = 0; i < 25; i++) {
                clients.add(Client.of(pod, "Crowd-%02d".formatted(i)));
            }
            clients.add(Client.of(pod, "Crowd-07"));
            for (int i = 0; i < 6; i++) {
                clients.get(7).subscribe("heard-" + i);
            }
            Json page = found("?text=crowd-");
            assertThat(page.getInt("total")).isEqualTo(25);
            assertThat(page.<String>getList("users.user"))
                    .hasSize(20)
                    .startsWith("Crowd-00", "Crowd-01")
                    .isSorted();
            assertThat(page.getInt("users[7].connections")).isEqualTo(2);
            assertThat(page.getList("users[7].channels")).hasSize(4);
            assertThat(page.getInt("users[7].hears")).isEqualTo(7);
            Json rest = found("?text=crowd-&after=" + page.getString("next"));
            assertThat(rest.<String>getList("users.user")).hasSize(5).startsWith("Crowd-20");
            assertThat(rest.getString("next")).isNull();
            assertThat(rest.getInt("total")).isEqualTo(25);
            assertThat(found("?text=upload:heard-1").<String>getList("users.user"))
                    .containsExactly("Crowd-07");
            assertThat(found("?text=nobody").getInt("total")).isZero();
            assertThat(found("").getInt("total")).isGreaterThanOrEqualTo(25);
        } finally {
            clients.forEach(Client::close);
        }
    }

    private static Json found(String query) {
        HttpResponse<String> answer = Api.operator(pod).get(USERS + query);
        assertThat(answer.statusCode()).isEqualTo(200);
        return Json.from(answer.body());
    }

    private static String operator(int seconds) {
        JwtClaims claims = Tokens.claims("admin");
        claims.setStringListClaim("groups", "operator");
        claims.setExpirationTime(NumericDate.fromSeconds(Instant.now().getEpochSecond() + seconds));
        return Tokens.sign(claims);
    }
}
