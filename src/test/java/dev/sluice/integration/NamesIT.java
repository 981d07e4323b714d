package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.harness.Client;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Users and channels that a path can't name, addressed by the query parameter. */
class NamesIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    @ParameterizedTest
    @CsvSource({
        ".., ..",
        "%2E%2E, ..",
        "%2E, .",
        "../x, ../x",
        "%2Fetc%2F..%2F, /etc/../",
        "%25, %",
        "100%25, 100%",
        "%252E%252E, %2E%2E",
        "a%3Bb, a;b",
        "a;b, a;b",
        "a%2Bb, a+b",
        "a%20b, a b",
        "-, -",
        "a%26id=7, a&id=7",
        "%C3%A9, é",
    })
    void everyUserCanBeAddressed(String query, String user) {
        Api publisher = Api.publisher(STAGE.pod());
        Api operator = Api.operator(STAGE.pod());
        String connections = "/api/users/-/connections?id=" + query;
        try (Client client = Client.of(STAGE.pod(), user)) {
            assertThat(publisher
                            .post("/api/channels/-/messages?channel=user:" + query, "any")
                            .statusCode())
                    .isEqualTo(202);
            assertThat(client.next()).isEqualTo("any");
            String event = "{\"action\":\"upload_failed\",\"upload_id\":\"1\",\"error_message\":\"no\"}";
            assertThat(publisher.post("/api/users/-/events?id=" + query, event).statusCode())
                    .isEqualTo(202);
            assertThat(client.next()).contains("upload_failed");
            Json presence = Json.from(operator.get(connections).body());
            assertThat(presence.getString("user")).isEqualTo(user);
            assertThat(presence.getList("connections")).hasSize(1);
            Json online = Json.from(publisher.get("/api/users/-?id=" + query).body());
            assertThat(online.getString("user")).isEqualTo(user);
            assertThat(online.getBoolean("online")).isTrue();
            Json ended = Json.from(operator.delete(connections).body());
            assertThat(ended.getString("user")).isEqualTo(user);
            assertThat(client.closeCode()).isEqualTo(4503);
        }
    }

    @ParameterizedTest
    @CsvSource({"../.., ../..", "%2E%2E, ..", "a%2Fb, a/b"})
    void everyUploadCanBeAddressed(String query, String upload) {
        try (Client client = Client.of(STAGE.pod(), "7")) {
            client.subscribe(upload);
            String event = "{\"action\":\"upload_failed\",\"error_message\":\"no\"}";
            assertThat(Api.publisher(STAGE.pod())
                            .post("/api/uploads/-/events?id=" + query, event)
                            .statusCode())
                    .isEqualTo(202);
            assertThat(Json.from(client.next()).getString("upload_id")).isEqualTo(upload);
            Json audience = Json.from(Api.operator(STAGE.pod())
                    .get("/api/channels/-?channel=upload:" + query)
                    .body());
            assertThat(audience.getInt("connections")).isEqualTo(1);
        }
    }

    @Test
    void userNamedDashCanBeAddressed() {
        try (Client client = Client.of(STAGE.pod(), "-")) {
            Api operator = Api.operator(STAGE.pod());
            assertThat(Json.from(operator.get("/api/users/-/connections").body())
                            .getString("user"))
                    .isEqualTo("-");
            operator.delete("/api/users/-/connections");
            assertThat(client.closeCode()).isEqualTo(4503);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/api/users/7/connections?id=8",
                "/api/users/-/connections?id=",
                "/api/users/-/connections?id=a+b"
            })
    void ambiguousUserIsRefused(String path) {
        Api.assertProblem(Api.operator(STAGE.pod()).get(path), 400);
    }
}
