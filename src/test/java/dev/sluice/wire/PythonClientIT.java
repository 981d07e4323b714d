package dev.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

/** What the clients of the Python system that Sluice replaces do, step by step. */
class PythonClientIT {

    private static final String UPLOAD = Stage.upload();
    private static final String PROGRESS = """
            {"action": "upload_progress", "timestamp": "2026-01-01T00:00:00Z", "payload": {"upload_id": "42", \
            "status": "analyzing", "stage": "vision_analysis", "progress_percent": 50, "message": "Half way", \
            "error_message": null, "description_audit_score": null}}""";
    private static final String COMPLETED = """
            {"action": "upload_completed", "timestamp": "2026-01-01T00:00:01Z", "upload_id": "42", \
            "description": "A cat", "audit_score": 90}""";

    @Test
    void connectsHearsItsUploadAnswersPingsAndReconnects() {
        Redis redis = Stage.REDIS;
        Map<String, String> config = Map.of("sluice.heartbeat.interval", "500ms");
        Pod first = Pod.ready(redis, config);
        try (Client client = connect(first)) {
            redis.publish("upload:" + UPLOAD, PROGRESS);
            assertThat(client.next()).isEqualTo(PROGRESS);
            redis.publish("upload:" + UPLOAD, COMPLETED);
            assertThat(client.next()).isEqualTo(COMPLETED);
            client.nextPing();
            client.send("{\"action\": \"pong\"}");
            first.terminate();
            assertThat(client.closeCode()).isEqualTo(1012);
        } finally {
            first.close();
        }
        try (Pod second = Pod.ready(redis, config);
                Client client = connect(second)) {
            redis.publish("upload:" + UPLOAD, PROGRESS);
            assertThat(client.next()).isEqualTo(PROGRESS);
        }
    }

    /** As the Python clients do: the subscription is sent without waiting for the answer to the token. */
    private static Client connect(Pod pod) {
        Client client = Client.connect(pod.webSocket("/ws/uploads"));
        client.send("{\"type\": \"auth\", \"token\": \"" + Tokens.of("7") + "\"}");
        client.send("{\"action\": \"subscribe_upload\", \"upload_id\": \"" + UPLOAD + "\"}");
        assertThat(client.next()).isEqualTo("{\"action\":\"auth_success\",\"user_id\":\"7\"}");
        assertThat(client.next()).isEqualTo("{\"action\":\"subscribed\",\"channel\":\"upload:" + UPLOAD + "\"}");
        return client;
    }
}
