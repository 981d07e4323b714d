package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.harness.Client;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EventsIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    private static final String PROGRESS = """
            {"action":"upload_progress","payload":{"upload_id":"%s","status":"analyzing","stage":"vision_analysis",\
            "progress_percent":50,"message":"half way","error_message":null,"description_audit_score":null},\
            "timestamp":"2026-11-24T12:00:00Z"}""";

    private static final String BATCH = """
            {"action":"batch_progress","payload":{"batch_id":"b","status":"running","total":4,"processed":3,\
            "successful":2,"failed":1,"progress_percentage":75.5},"timestamp":"2026-11-24T12:00:00Z"}""";

    private final Api api = Api.publisher(STAGE.pod());
    private final String upload = Stage.upload();

    @ParameterizedTest
    @ValueSource(
            strings = {
                PROGRESS,
                "{\"action\":\"upload_completed\",\"upload_id\":\"%s\",\"description\":\"Ein Löwe 🦁\",\"audit_score\":92,"
                        + "\"timestamp\":\"2026-11-24T12:00:00Z\"}",
                "{\"action\":\"upload_failed\",\"upload_id\":\"%s\",\"error_message\":\"no frames\","
                        + "\"timestamp\":\"2026-11-24T12:00:00.123456Z\"}",
            })
    void completeEventArrivesUnchanged(String pattern) {
        String event = pattern.formatted(upload);
        try (Client client = Client.of(STAGE.pod(), "7").subscribe(upload);
                Client user = Client.of(STAGE.pod(), "events")) {
            assertThat(api.post(path(), event).statusCode()).isEqualTo(202);
            assertThat(client.next()).isEqualTo(event);
            assertThat(api.post("/api/users/events/events", event).statusCode()).isEqualTo(202);
            assertThat(user.next()).isEqualTo(event);
        }
    }

    @Test
    void batchEventsBelongToUsers() {
        try (Client client = Client.of(STAGE.pod(), "a/b")) {
            assertThat(api.post("/api/users/a%2Fb/events", BATCH).statusCode()).isEqualTo(202);
            assertThat(client.next()).isEqualTo(BATCH);
        }
        assertErrors(
                api.post(path(), BATCH),
                Map.of("action", "must be one of upload_progress, upload_completed, upload_failed"));
    }

    @Test
    void absentFieldsGetDefaults() {
        Instant before = Instant.now();
        try (Client client = Client.of(STAGE.pod(), "7").subscribe(upload)) {
            api.post(
                    path(),
                    "{\"payload\":{\"stage\":\"queued\",\"status\":\"pending\",\"message\":\"\",\"progress_percent\":0},"
                            + "\"action\":\"upload_progress\"}");
            String event = client.next();
            String timestamp = Json.from(event).getString("timestamp");
            assertThat(timestamp).endsWith("Z");
            assertThat(Instant.parse(timestamp)).isBetween(before.minus(Duration.ofSeconds(1)), Instant.now());
            assertThat(event)
                    .isEqualTo("{\"action\":\"upload_progress\",\"payload\":{\"upload_id\":\"" + upload
                            + "\",\"status\":\"pending\",\"stage\":\"queued\",\"progress_percent\":0,\"message\":\"\","
                            + "\"error_message\":null,\"description_audit_score\":null},\"timestamp\":\"" + timestamp
                            + "\"}");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "2026-11-24T12:00:00Z, 2026-11-24T12:00:00Z",
        "2026-11-24T13:00:00+01:00, 2026-11-24T12:00:00Z",
        "2026-11-24T12:00:00.123456, 2026-11-24T12:00:00.123456Z",
    })
    void timestampsAreUtc(String said, String told) {
        try (Client client = Client.of(STAGE.pod(), "7").subscribe(upload)) {
            api.post(path(), "{\"action\":\"upload_failed\",\"error_message\":\"x\",\"timestamp\":\"" + said + "\"}");
            assertThat(Json.from(client.next()).getString("timestamp")).isEqualTo(told);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "upload_id        | 5          | must be a string",
                "upload_id        | \"other\"  | must be the upload in the path, or be omitted",
                "upload_id        | \"\"       | must be the upload in the path, or be omitted",
                "status           | \"done\"   | must be one of pending, analyzing, embedding, completed, failed",
                "status           | \"PENDING\"| must be one of pending, analyzing, embedding, completed, failed",
                "status           | 0          | must be one of pending, analyzing, embedding, completed, failed",
                "status           | null       | must not be null",
                "stage            | \"\"       | must be one of queued, extracting_frames, vision_analysis, description_audit, embedding_generation, indexing, completed, failed",
                "stage            | null       | must not be null",
                "progress_percent | -0.1       | must be greater than or equal to 0",
                "progress_percent | 100.01     | must be less than or equal to 100",
                "progress_percent | 1e999999999| must be less than or equal to 100",
                "progress_percent | \"50\"     | must be a number",
                "progress_percent | true       | must be a number",
                "progress_percent | null       | must not be null",
                "message          | null       | must not be null",
                "message          | 5          | must be a string",
                "message          | {}         | must be a string",
                "error_message    | []         | must be a string",
                "description_audit_score | 101 | must be less than or equal to 100",
                "description_audit_score | -1  | must be greater than or equal to 0",
                "description_audit_score | {}  | must be a number",
                "mesage           | \"x\"      | is not a field of this event",
            })
    void eachFieldOfProgressIsChecked(String field, String value, String message) {
        String good = PROGRESS.formatted(upload);
        String bad = good.contains("\"" + field + "\":")
                ? good.replaceFirst("\"" + field + "\":(\"[^\"]*\"|[^,}]*)", "\"" + field + "\":" + value)
                : good.replaceFirst("\"payload\":\\{", "\"payload\":{\"" + field + "\":" + value + ",");
        assertErrors(api.post(path(), bad), Map.of("payload." + field, message));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{\"action\":\"upload_completed\",\"audit_score\":1} | description | must not be null",
                "{\"action\":\"upload_completed\",\"description\":\"\"} | audit_score | must not be null",
                "{\"action\":\"upload_completed\",\"description\":\"\",\"audit_score\":101} | audit_score | must be less than or equal to 100",
                "{\"action\":\"upload_failed\"} | error_message | must not be null",
                "{\"action\":\"upload_failed\",\"error_message\":\"\",\"timestamp\":5} | timestamp | must be a time such as 2026-11-24T12:00:00Z",
                "{\"action\":\"upload_failed\",\"error_message\":\"\",\"timestamp\":\"now\"} | timestamp | must be a time such as 2026-11-24T12:00:00Z",
                "{\"action\":\"upload_progress\"} | payload | must not be null",
                "{\"action\":\"upload_progress\",\"payload\":5} | payload | must be an object",
                "{} | action | must be one of upload_progress, upload_completed, upload_failed",
                "{\"action\":null} | action | must be one of upload_progress, upload_completed, upload_failed",
                "{\"action\":\"dev.sluice.events.UploadFailed\"} | action | must be one of upload_progress, upload_completed, upload_failed",
            })
    void eachFieldOfTheOthersIsChecked(String event, String field, String message) {
        assertErrors(api.post(path(), event), Map.of(field, message));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "batch_id | \"\" | must not be blank",
                "status | null | must not be blank",
                "total | 1.5 | must be a whole number",
                "total | -1 | must be greater than or equal to 0",
                "processed | 99999999999999999999 | is too large a number",
                "successful | null | must not be null",
                "failed | \"1\" | must be a whole number",
                "progress_percentage | 100.5 | must be less than or equal to 100",
            })
    void eachFieldOfABatchIsChecked(String field, String value, String message) {
        String bad = BATCH.replaceFirst("\"" + field + "\":(\"[^\"]*\"|[^,}]*)", "\"" + field + "\":" + value);
        assertErrors(api.post("/api/users/7/events", bad), Map.of("payload." + field, message));
    }

    @Test
    void emptyUploadIdIsRefused() {
        assertErrors(
                api.post("/api/users/7/events", "{\"action\":\"upload_failed\",\"error_message\":\"x\"}"),
                Map.of("upload_id", "must not be blank"));
    }

    @Test
    void answerNamesEveryInvalidField() {
        assertErrors(
                api.post(
                        path(),
                        "{\"action\":\"upload_progress\",\"more\":1,\"timestamp\":[],\"payload\":{\"upload_id\":\"other\","
                                + "\"status\":\"done\",\"progress_percent\":101,\"message\":5}}"),
                Map.of(
                        "more", "is not a field of this event",
                        "timestamp", "must be a time such as 2026-11-24T12:00:00Z",
                        "payload.upload_id", "must be the upload in the path, or be omitted",
                        "payload.status", "must be one of pending, analyzing, embedding, completed, failed",
                        "payload.stage", "must not be null",
                        "payload.progress_percent", "must be less than or equal to 100",
                        "payload.message", "must be a string"));
    }

    @Test
    void manyUnknownFieldsGetAShortAnswer() {
        StringBuilder event = new StringBuilder("{\"action\":\"upload_failed\",\"error_message\":\"\"");
        for (int i = 0; i < 2000; i++) {
            event.append(",\"").append("x".repeat(100)).append(i).append("\":1");
        }
        HttpResponse<String> answer = api.post(path(), event.append('}').toString());
        Api.assertProblem(answer, 400);
        assertThat(answer.body()).hasSizeLessThan(5000);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "null",
                "5",
                "\"x\"",
                "[]",
                "[{\"action\":\"upload_failed\"}]",
                "{",
                "{\"action\":\"upload_failed\",",
                "nonsense",
                "{\"action\":\"upload_failed\",\"error_message\":\"x\"} x",
                "{\"action\":\"upload_failed\",\"error_message\":\"x\",\"error_message\":\"y\"}",
                "{\"action\":\"upload_failed\",\"error_message\":NaN}",
                "\u0000",
                "<xml/>"
            })
    void bodyThatIsNoJsonObjectIsRefused(String body) {
        Api.assertProblem(api.post(path(), body), 400);
    }

    @Test
    void deepNestingAndBrokenTextAreRefused() {
        Api.assertProblem(api.post(path(), "{\"action\":" + "[".repeat(100_000)), 400);
        Api.assertProblem(
                api.post(
                        path(),
                        "{\"action\":\"upload_failed\",\"error_message\":" + "[".repeat(900) + "]".repeat(900) + "}"),
                400);
        byte[] broken = "{\"action\":\"upload_failed\",\"error_message\":\"?\"}".getBytes(StandardCharsets.US_ASCII);
        broken[broken.length - 3] = (byte) 0xFF;
        Api.assertProblem(api.post(path(), broken, "Content-Type", "application/json"), 400);
    }

    @Test
    void unpairedSurrogateStaysUnchanged() {
        try (Client client = Client.of(STAGE.pod(), "7").subscribe(upload)) {
            HttpResponse<String> answer =
                    api.post(path(), "{\"action\":\"upload_failed\",\"error_message\":\"\\ud800\"}");
            assertThat(answer.statusCode()).isEqualTo(202);
            assertThat(client.next()).containsIgnoringCase("\"error_message\":\"\\ud800\"");
        }
    }

    @Test
    void otherMediaTypesAreRefused() {
        for (String type :
                List.of("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x")) {
            Api.assertProblem(
                    api.post(path(), PROGRESS.formatted(upload).getBytes(StandardCharsets.UTF_8), "Content-Type", type),
                    415);
        }
    }

    @Test
    void invalidIdIsRefused() {
        String event = "{\"action\":\"upload_failed\",\"error_message\":\"x\"}";
        Api.assertProblem(api.post("/api/uploads/" + "x".repeat(257) + "/events", event), 400);
        Api.assertProblem(api.post("/api/uploads/%FF/events", event), 400);
    }

    private String path() {
        return "/api/uploads/" + upload + "/events";
    }

    private static void assertErrors(HttpResponse<String> answer, Map<String, String> errors) {
        List<Map<String, String>> told = Api.assertProblem(answer, 400).getList("errors");
        assertThat(told)
                .as(answer.body())
                .extracting(error -> Map.entry(error.get("field"), error.get("message")))
                .containsExactlyInAnyOrderElementsOf(errors.entrySet());
    }
}
