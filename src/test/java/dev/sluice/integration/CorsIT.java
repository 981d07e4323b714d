package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Tokens;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A page of another origin may use the HTTP API if both {@code sluice.origins} and Quarkus's CORS allow it. */
class CorsIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    private static final String PAGE = "https://app.example.org";

    /** An origin that Sluice allows, but CORS does not. */
    private static final String FORGOTTEN = "https://other.example.org";

    private static final String PATH = "/api/channels/user:7/messages";
    private static final String ALLOW_ORIGIN = "access-control-allow-origin";

    private static Pod pod;

    @BeforeAll
    static void start() {
        pod = Pod.ready(
                STAGE.redis(),
                Map.of(
                        "sluice.origins", PAGE + "," + FORGOTTEN,
                        "quarkus.http.cors.enabled", "true",
                        "quarkus.http.cors.origins", PAGE,
                        "quarkus.http.cors.methods", "GET,POST,DELETE",
                        "quarkus.http.cors.headers", "authorization,content-type,last-event-id",
                        "quarkus.http.cors.access-control-allow-credentials", "true"));
    }

    @AfterAll
    static void stop() {
        pod.close();
    }

    @Test
    void preflightListsAllowedMethodsAndHeaders() {
        HttpResponse<String> answer = preflight(pod, PAGE);
        assertThat(answer.statusCode()).isEqualTo(200);
        assertHeader(answer, ALLOW_ORIGIN, PAGE);
        assertHeader(answer, "access-control-allow-methods", "GET,POST,DELETE");
        assertHeader(answer, "access-control-allow-headers", "authorization,content-type,last-event-id");
        assertHeader(answer, "access-control-allow-credentials", "true");
    }

    @Test
    void allowedOriginMayReadTheAnswer() {
        HttpResponse<String> answer = Api.publisher(pod).post(PATH, new byte[] {'x'}, "Origin", PAGE);
        assertThat(answer.statusCode()).isEqualTo(202);
        assertHeader(answer, ALLOW_ORIGIN, PAGE);
        // A page that may not read a refusal sees a network error instead of it.
        HttpResponse<String> refusal = Api.with(pod, "").post(PATH, new byte[] {'x'}, "Origin", PAGE);
        Api.assertProblem(refusal, 401);
        assertHeader(refusal, ALLOW_ORIGIN, PAGE);
    }

    @Test
    void originMustBeInBothLists() {
        for (String origin : new String[] {FORGOTTEN, "https://evil.example", "null"}) {
            assertThat(preflight(pod, origin).statusCode()).as(origin).isEqualTo(403);
            HttpResponse<String> answer = Api.publisher(pod).post(PATH, new byte[] {'x'}, "Origin", origin);
            assertThat(answer.statusCode()).as(origin).isEqualTo(403);
            assertThat(answer.headers().firstValue(ALLOW_ORIGIN)).as(origin).isEmpty();
        }
    }

    @Test
    void pageMayAskForAStreamWithItsCookieAndResume() {
        HttpResponse<String> answer = Api.with(pod, "")
                .send(
                        "OPTIONS",
                        "/sse?channel=user:7",
                        BodyPublishers.noBody(),
                        "Origin",
                        PAGE,
                        "Access-Control-Request-Method",
                        "GET",
                        "Access-Control-Request-Headers",
                        "last-event-id");
        assertHeader(answer, ALLOW_ORIGIN, PAGE);
        assertHeader(answer, "access-control-allow-headers", "authorization,content-type,last-event-id");
        assertHeader(answer, "access-control-allow-credentials", "true");
    }

    @Test
    void corsAppliesToWebSockets() {
        try (Client client = Client.connect(pod.webSocket("/ws"), Map.of("Origin", PAGE))) {
            assertThat(client.authenticate(Tokens.of("7")).next()).contains("auth_success");
        }
        assertThat(Client.refusal(pod.webSocket("/ws"), Map.of("Origin", FORGOTTEN)))
                .isEqualTo(403);
    }

    @Test
    void withoutCorsPreflightIsRefused() {
        HttpResponse<String> answer =
                preflight(STAGE.pod(), "http://localhost:" + STAGE.pod().port());
        assertThat(answer.headers().firstValue(ALLOW_ORIGIN)).isEmpty();
        assertThat(preflight(STAGE.pod(), PAGE).statusCode()).isEqualTo(403);
    }

    private static HttpResponse<String> preflight(Pod to, String origin) {
        return Api.with(to, "")
                .send(
                        "OPTIONS",
                        PATH,
                        BodyPublishers.noBody(),
                        "Origin",
                        origin,
                        "Access-Control-Request-Method",
                        "POST",
                        "Access-Control-Request-Headers",
                        "authorization,content-type");
    }

    private static void assertHeader(HttpResponse<String> answer, String name, String value) {
        assertThat(answer.headers().allValues(name)).as(name).containsExactly(value);
    }
}
