package dev.sluice.integration;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Ports;
import dev.sluice.harness.Redis;
import dev.sluice.harness.Tokens;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusIntegrationTest;
import io.restassured.http.ContentType;
import io.restassured.response.Response;
import java.net.URI;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Tests the main functions with the package, started the way Quarkus starts it. {@link Pod} starts it for all other
 * tests, because they kill and misconfigure it. {@code ./mvnw verify -Daot} lets this test record the AOT cache.
 */
@QuarkusIntegrationTest
@WithTestResource(SmokeIT.Surroundings.class)
@Tag("long")
class SmokeIT {

    private static final int BURST = 500;
    private static final int MANAGEMENT_PORT = Ports.free();
    private static final Redis REDIS = Redis.start();

    public static final class Surroundings implements QuarkusTestResourceLifecycleManager {
        @Override
        public Map<String, String> start() {
            return Map.of(
                    "quarkus.redis.hosts",
                    REDIS.uri(),
                    "mp.jwt.verify.publickey.location",
                    Tokens.publicKeyFile().toString(),
                    // For an executable, Quarkus reports the main port, but not the management port.
                    "quarkus.management.port",
                    String.valueOf(MANAGEMENT_PORT),
                    // Quarkus creates a key and an issuer for tests.
                    "mp.jwt.verify.publickey",
                    "NONE",
                    "mp.jwt.verify.issuer",
                    "NONE");
        }

        @Override
        public void stop() {
            REDIS.close();
        }
    }

    @TestHTTPResource("/ws")
    URI webSocket;

    @Test
    void publicationIsDelivered() {
        await("readiness")
                .atMost(60, TimeUnit.SECONDS)
                .until(() -> managed("/q/health/ready").statusCode() == 200);
        String upload = Stage.upload();
        try (Client client = connect("7");
                Client other = connect("8")) {
            client.subscribe(upload);
            for (int i = 0; i < BURST; i++) {
                REDIS.publish("upload:" + upload, "progress " + i);
                REDIS.publish("user:8", "hello " + i);
            }
            other.awaitMessage("hello " + (BURST - 1));
            client.awaitMessage("progress " + (BURST - 1));
            assertThat(other.subscribes(upload)).as("retained").isTrue();
            assertThat(other.next()).isEqualTo("progress " + (BURST - 1));

            given().auth()
                    .oauth2(Tokens.withGroups("backend", "publisher"))
                    .contentType(ContentType.JSON)
                    .body("{\"action\":\"upload_failed\",\"error_message\":\"no\"}")
                    .post("/api/uploads/" + upload + "/events")
                    .then()
                    .statusCode(202);
            assertThat(client.next()).contains("upload_failed");
            assertThat(managed("/q/metrics").asString()).contains("sluice_deliveries_total");
        }
    }

    private static Response managed(String path) {
        return given().port(MANAGEMENT_PORT).get(path);
    }

    private Client connect(String user) {
        Client client = Client.connect(URI.create(webSocket.toString().replaceFirst("^http", "ws")));
        client.authenticate(Tokens.of(user));
        assertThat(client.next()).contains("auth_success");
        return client;
    }
}
