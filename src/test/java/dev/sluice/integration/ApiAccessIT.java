package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Tokens;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.jose4j.jwt.JwtClaims;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests the access to the HTTP API, with any spelling of requests. */
class ApiAccessIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    private static final Map<String, String> BOTH_ROLES =
            Map.of("Authorization", "Bearer " + Tokens.withGroups("both", "publisher", "operator"));

    private final Pod pod = STAGE.pod();

    @ParameterizedTest
    @CsvSource({
        "POST, /api/channels/user:7/messages, publisher",
        "POST, /api/uploads/1/events, publisher",
        "POST, /api/users/7/events, publisher",
        "GET, /api/channels/user:7, operator",
        "GET, /api/users/7/connections, operator",
        "DELETE, /api/users/7/connections, operator",
        "GET, /api/trace?user=7&channel=user:7, operator",
    })
    void eachPathRequiresItsRole(String method, String path, String role) {
        String other = role.equals("publisher") ? "operator" : "publisher";
        HttpResponse<String> anonymous = send("", method, path);
        Api.assertProblem(anonymous, 401);
        assertThat(anonymous.headers().firstValue("WWW-Authenticate")).contains("Bearer");
        assertThat(anonymous.body()).contains("The request needs a token: Authorization: Bearer <token>");
        pod.awaitLog("Sluice refused requests without a token: ");
        Api.assertProblem(send(Tokens.of("nobody"), method, path), 403);
        Api.assertProblem(send(Tokens.withGroups("other", other), method, path), 403);
        Api.assertProblem(send(Tokens.withGroups("case", role.toUpperCase(Locale.ROOT)), method, path), 403);
        assertThat(send(Tokens.withGroups("right", role), method, path).statusCode())
                .isNotIn(401, 403);
    }

    @Test
    void bothRolesMayAskWhetherAUserIsConnected() {
        Api.assertProblem(Api.with(pod, "").get("/api/users/7"), 401);
        Api.assertProblem(Api.with(pod, Tokens.of("7")).get("/api/users/7"), 403);
        for (Api api : List.of(Api.operator(pod), Api.publisher(pod))) {
            assertThat(api.get("/api/users/7").statusCode()).isEqualTo(200);
        }
    }

    @Test
    void invalidTokenIsRefusedWithTheReason() {
        JwtClaims expired = claims();
        expired.setExpirationTimeMinutesInTheFuture(-1);
        JwtClaims refresh = claims();
        refresh.setClaim("type", "refresh");
        assertRefused("nonsense", "The token is invalid");
        assertRefused(Tokens.sign(expired), "The token has expired");
        assertRefused(Tokens.sign(refresh), "The token is not an access token");
        for (String token : List.of(
                Tokens.signedByAnotherKey(claims()),
                Tokens.signedByNoKey(claims()),
                Tokens.signedWithThePublicKeyAsSecret(claims()))) {
            assertRefused(token, "The token's signature is invalid");
        }
    }

    private void assertRefused(String token, String reason) {
        HttpResponse<String> answer = Api.with(pod, token).post("/api/channels/user:7/messages", "x");
        assertThat(Api.assertProblem(answer, 401).getString("detail")).isEqualTo(reason);
        pod.awaitLog("Sluice refused tokens: ");
    }

    private static JwtClaims claims() {
        JwtClaims claims = Tokens.claims("backend");
        claims.setStringListClaim("groups", "publisher");
        return claims;
    }

    @ParameterizedTest
    @ValueSource(strings = {"http://evil.example", "null", "http://localhost:1", "nonsense", ""})
    void foreignOriginIsRefusedEvenWithAValidToken(String origin) {
        double before = pod.metric("sluice_refused_total{limit=\"origin\"}");
        for (String path : new String[] {"/api/channels/user:7/messages", "//api/channels/user:7/messages", "/api/x"}) {
            HttpResponse<String> answer = Api.publisher(pod).post(path, new byte[] {'x'}, "Origin", origin);
            Api.assertProblem(answer, 403);
        }
        await("count")
                .untilAsserted(() -> assertThat(pod.metric("sluice_refused_total{limit=\"origin\"}") - before)
                        .isGreaterThanOrEqualTo(3));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/api/channels/user:7/messages",
                "//api/channels/user:7/messages",
                "/api//channels/user:7/messages",
                "/api/./channels/user:7/messages",
                "/api/%2e/channels/user:7/messages",
                "/x/../api/channels/user:7/messages",
                "/x/%2E%2e/api/channels/user:7/messages",
                "/%61pi/channels/user:7/messages",
                "/api/channels/user:7/messages/",
                "/api/channels/user:7/messages?x=/ws",
                "/api/channels/user:7/messages#",
                "/API/channels/user:7/messages",
                "/api;/channels/user:7/messages",
                "/api;x=1/channels/user:7/messages",
                "/api/channels;x/user:7/messages",
                "/api/channels/user:7/messages;x",
                "/api%2Fchannels/user:7/messages",
                "/ws/../api/channels/user:7/messages",
                "/ws;/../api/channels/user:7/messages",
                "/ws/%2e%2e/api/channels/user:7/messages",
                "/q/../api/channels/user:7/messages",
                "\\api\\channels\\user:7\\messages",
                "http://localhost/api/channels/user:7/messages",
            })
    void pathSpellingDoesNotBypassRoles(String path) {
        try (Client client = Client.of(pod, "7")) {
            int anonymous = Api.status(pod, "POST " + path, Map.of());
            assertThat(anonymous).isIn(400, 401, 404);
            // With both roles, it is the same request or an invalid one.
            int allowed = Api.status(pod, "POST " + path, BOTH_ROLES);
            assertThat(allowed).isIn(anonymous == 401 ? new Object[] {202} : new Object[] {anonymous});
            if (allowed == 202) {
                assertThat(client.next()).isEmpty();
            }
            int foreign = Api.status(
                    pod,
                    "POST " + path,
                    Map.of("Authorization", BOTH_ROLES.get("Authorization"), "Origin", "http://evil.example"));
            assertThat(foreign).isIn(400, 403, 404);
            client.assertNothingMore();
        }
    }

    @Test
    void unknownPathGetsAProblem() {
        Api api = Api.publisher(pod);
        Api.assertProblem(api.get("/api/nothing"), 404);
        Api.assertProblem(api.get("/nothing"), 404);
        Api.assertProblem(Api.operator(pod).post("/api/users/7/connections", "x"), 405);
        Api.assertProblem(api.post("/api/channels/user:7/messages", new byte[] {'x'}, "Accept", "text/html"), 406);
        Api.assertProblem(api.post("/api/channels/user:a;b/messages", "x"), 400);
    }

    @Test
    void everyAnswerHasSecurityHeaders() {
        Api api = Api.publisher(pod);
        for (HttpResponse<String> answer : List.of(
                api.post("/api/channels/user:7/messages", "x"),
                api.post("/api/channels/user:/messages", "x"),
                api.post("/api/channels/user:7/messages", new byte[] {'x'}, "Origin", "http://evil.example"),
                api.post("/api/channels/user:7/messages", new byte[1 << 20]),
                api.get("/api/nothing"),
                api.get("/nothing"),
                api.get("/q/openapi"),
                api.get("/q/health/live"),
                api.get("/q/metrics"),
                api.get("/q/metrics/nothing"))) {
            assertHeader(answer, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
            assertHeader(answer, "X-Content-Type-Options", "nosniff");
            assertHeader(answer, "Referrer-Policy", "no-referrer");
            assertHeader(answer, "Cross-Origin-Resource-Policy", "same-origin");
            if (answer.uri().getPath().startsWith("/api/")) {
                assertHeader(answer, "Cache-Control", "no-store");
            }
        }
    }

    @Test
    void openApiDescribesPathsRolesAndErrors() {
        Json api = Json.from(Api.with(pod, "").get("/q/openapi?format=json").body());
        assertThat(api.getString("info.title")).isEqualTo("Sluice");
        assertThat(api.getString("components.securitySchemes.token.scheme")).isEqualTo("bearer");
        assertThat(api.<Object>getMap("paths").keySet())
                .containsExactlyInAnyOrder(
                        "/api/channels/{channel}",
                        "/api/channels/{channel}/messages",
                        "/api/trace",
                        "/api/uploads/{id}/events",
                        "/api/users/{id}",
                        "/api/users/{id}/connections",
                        "/api/users/{id}/events");
        assertOperation(
                api, "/api/channels/{channel}/messages", "post", "publisher", "202", "408", "409", "413", "415");
        assertOperation(api, "/api/uploads/{id}/events", "post", "publisher", "202", "408", "409", "413", "415");
        assertOperation(api, "/api/users/{id}/events", "post", "publisher", "202", "408", "409", "413", "415");
        assertOperation(api, "/api/channels/{channel}", "get", "operator", "200");
        assertOperation(api, "/api/users/{id}/connections", "get", "operator", "200");
        assertOperation(api, "/api/trace", "get", "operator", "200");
        assertThat(api.<Object>getMap("paths.'/api/users/{id}'.get.responses").keySet())
                .containsExactlyInAnyOrder("200", "400", "401", "403", "503");
        assertOperation(api, "/api/users/{id}/connections", "delete", "operator", "200");
        String progress = "components.schemas.UploadProgressPayload.properties.";
        assertThat(api.<String>getList("components.schemas.Status.enum"))
                .contains("analyzing")
                .hasSize(5);
        assertThat(api.<String>getList("components.schemas.Stage.enum"))
                .contains("queued")
                .hasSize(8);
        assertThat(api.getInt(progress + "progress_percent.maximum")).isEqualTo(100);
        assertThat(api.getInt(progress + "description_audit_score.minimum")).isZero();
        assertThat(pod.status("/q/swagger-ui")).as("only dev mode has it").isEqualTo(404);
    }

    private static void assertOperation(Json api, String path, String method, String role, String... statuses) {
        String at = "paths.'" + path + "'." + method;
        assertThat(api.<String>getList(at + ".security[0].token")).containsExactly(role);
        assertThat(api.<Object>getMap(at + ".responses").keySet())
                .as(at)
                .containsExactlyInAnyOrderElementsOf(
                        Stream.concat(Stream.of("400", "401", "403", "503"), Stream.of(statuses))
                                .toList());
        assertThat(api.getString(at + ".responses.'400'.content.'application/problem+json'.schema.'$ref'"))
                .endsWith("/Problem");
    }

    private static void assertHeader(HttpResponse<String> answer, String name, String value) {
        assertThat(answer.headers().allValues(name)).as(answer + " " + name).containsExactly(value);
    }

    private HttpResponse<String> send(String token, String method, String path) {
        return Api.with(pod, token).send(method, path, BodyPublishers.noBody());
    }
}
