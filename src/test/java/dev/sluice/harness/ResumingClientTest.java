package dev.sluice.harness;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.harness.ResumingClient.Frame;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ResumingClientTest {

    private static final String SUBSCRIBED = "{\"action\":\"subscribed\",\"channel\":\"%s\",\"at\":\"%s\"}";
    private static final String RECOVERED = "{\"action\":\"subscribed\",\"channel\":\"%s\",\"recovered\":true}";

    private final ResumingClient client = new ResumingClient("7", List.of("upload:1", "upload:2"));

    @Test
    void sendsNoPositionBeforeItHasOne() {
        assertThat(client.opened("token"))
                .containsExactly(
                        "{\"type\":\"auth\",\"token\":\"token\"}",
                        "{\"action\":\"subscribe\",\"channels\":[\"upload:1\",\"upload:2\"]}");
    }

    @Test
    void resumesFromTheLastPosition() {
        subscribe();
        client.heard("{\"channel\":\"upload:1\",\"at\":\"1-a.20.0\"}\n{}");
        client.heard("{\"action\":\"mark\",\"at\":\"1-a.23.0\"}");

        assertThat(client.opened("token"))
                .containsExactly(
                        "{\"type\":\"auth\",\"token\":\"token\",\"since\":\"1-a.23.0\"}",
                        "{\"action\":\"subscribe\",\"channels\":[\"upload:1\",\"upload:2\"],\"since\":\"1-a.23.0\"}");
    }

    @Test
    void keepsThePositionUntilAllChannelsAreAnswered() {
        subscribe();
        client.opened("token");
        hear(RECOVERED.formatted("upload:1"), "{\"action\":\"mark\",\"at\":\"1-a.50.0\"}");

        assertThat(client.position()).contains("1-a.12.0");

        hear("{\"action\":\"auth_success\",\"user_id\":\"7\",\"recovered\":true}", RECOVERED.formatted("upload:2"));
        assertThat(client.position()).contains("1-a.12.0");
        hear("{\"action\":\"mark\",\"at\":\"1-a.51.0\"}");
        assertThat(client.position()).contains("1-a.51.0");
    }

    @Test
    void forgetsThePositionAtAGapAndAtARefusal() {
        subscribe();
        hear("{\"action\":\"gap\",\"since\":\"2026-01-01T00:00:00Z\",\"until\":null}");
        assertThat(client.position()).isEmpty();

        hear("{\"action\":\"mark\",\"at\":\"2-b.5.0\"}");
        client.opened("token");
        hear("{\"action\":\"auth_success\",\"user_id\":\"7\",\"recovered\":false,\"at\":\"3-c.1.0\"}");
        assertThat(client.position()).isEmpty();
    }

    @Test
    void streamResumesFromItsLastEntry() {
        hear(
                "{\"action\":\"auth_success\",\"user_id\":\"7\",\"at\":\"1-a.10.0\"}",
                SUBSCRIBED.formatted("upload:1", "1-a.12.0"),
                SUBSCRIBED.formatted("upload:2", "100-0"));
        assertThat(client.heard("{\"channel\":\"upload:2\",\"id\":\"101-9\"}\n{}")
                        .repeated())
                .isFalse();
        assertThat(client.heard("{\"channel\":\"upload:2\",\"id\":\"101-10\"}\n{}")
                        .repeated())
                .isFalse();
        assertThat(client.heard("{\"channel\":\"upload:2\",\"id\":\"101-9\"}\n{}")
                        .repeated())
                .isTrue();
        hear("{\"action\":\"gap\",\"since\":\"2026-01-01T00:00:00Z\",\"until\":null}");
        assertThat(client.position()).isEmpty();

        assertThat(client.opened("token"))
                .containsExactly(
                        "{\"type\":\"auth\",\"token\":\"token\"}",
                        "{\"action\":\"subscribe\",\"channels\":[\"upload:1\"]}",
                        "{\"action\":\"subscribe\",\"channel\":\"upload:2\",\"since\":\"101-10\"}");
        assertThat(client.isResuming("upload:2")).isTrue();
        assertThat(client.isResuming("upload:1")).isFalse();
        hear("{\"action\":\"gap\",\"channel\":\"upload:2\",\"since\":\"2026-01-01T00:00:00Z\",\"until\":null}");
        assertThat(client.opened("token")).hasSize(2);
    }

    @Test
    void dropsDuplicatesOfTheSameChannelAndEra() {
        subscribe();

        assertThat(Stream.of(
                                "{\"channel\":\"upload:1\",\"at\":\"1-a.20.0\"}\n20",
                                "{\"channel\":\"upload:1\",\"pos\":\"1-a.19.0\"}\n19",
                                "{\"channel\":\"upload:1\",\"pos\":\"1-a.20.0\"}\n20",
                                "{\"channel\":\"upload:2\",\"pos\":\"1-a.18.0\"}\n18",
                                "{\"channel\":\"upload:1\",\"at\":\"2-b.1.0\"}\n1")
                        .map(client::heard)
                        .map(Frame::repeated))
                .containsExactly(false, true, true, false, false);
    }

    @Test
    void payloadBeginsAfterTheFirstLineFeed() {
        Frame frame = client.heard("{\"channel\":\"upload:1\"}\n{\"a\":\n1}\n");

        assertThat(frame.payload()).contains("{\"a\":\n1}\n");
        assertThat(frame.channel()).isEqualTo("upload:1");
    }

    private void subscribe() {
        client.opened("token");
        hear(
                "{\"action\":\"auth_success\",\"user_id\":\"7\",\"at\":\"1-a.10.0\"}",
                SUBSCRIBED.formatted("upload:1", "1-a.11.0"),
                SUBSCRIBED.formatted("upload:2", "1-a.12.0"));
    }

    private void hear(String... frames) {
        Stream.of(frames).forEach(client::heard);
    }
}
