package dev.sluice.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.http.ProblemException;
import jakarta.validation.Validation;
import jakarta.validation.ValidatorFactory;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EventJsonTest {

    private static final ValidatorFactory VALIDATORS = Validation.buildDefaultValidatorFactory();

    private final EventJson json = new EventJson(VALIDATORS.getValidator());

    @AfterAll
    static void close() {
        VALIDATORS.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "100", "5.50", "0.1", "1E+2", "100.000000000000000000000000"})
    void numbersKeepTheirNotation(String number) {
        assertThat(published(
                        "{\"action\":\"upload_completed\",\"upload_id\":\"1\",\"description\":\"\",\"audit_score\":"
                                + number + ",\"timestamp\":\"2026-11-24T12:00:00Z\"}"))
                .contains("\"audit_score\":" + number + ",");
    }

    @ParameterizedTest
    @ValueSource(strings = {"Ein Löwe 🦁", "\\\"\\\\\\n", "\\u0000", "null"})
    void textIsUnchanged(String text) {
        String event = "{\"action\":\"upload_failed\",\"upload_id\":\"1\",\"error_message\":\"" + text
                + "\",\"timestamp\":\"2026-11-24T12:00:00Z\"}";
        assertThat(published(event)).isEqualTo(event);
    }

    @Test
    void presentTimestampIsKept() {
        Event event = new UploadFailed("1", "", Instant.EPOCH);
        assertThat(event.at(Instant.now())).isSameAs(event);
        assertThat(new UploadFailed("1", "", null).at(Instant.EPOCH)).isEqualTo(event);
    }

    @ParameterizedTest
    @ValueSource(strings = {"1e999999999", "1e-999999999", "-1e999999999", "100.0000000000000000000000001"})
    void enormousNumbersAreParsedInTime(String number) {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        long start = threads.getCurrentThreadCpuTime();
        try {
            published("{\"action\":\"upload_completed\",\"upload_id\":\"1\",\"description\":\"\",\"audit_score\":"
                    + number + "}");
        } catch (ProblemException e) {
            assertThat(e).hasMessageContaining("fields");
        }
        assertThat(threads.getCurrentThreadCpuTime() - start).isLessThan(1_000_000_000);
    }

    @ParameterizedTest
    @ValueSource(strings = {"1e99999999999", "1e-99999999999", "1e2147483648", "1.5e-2147483649"})
    void unrepresentableNumbersAreRefused(String number) {
        ProblemException refusal = catchThrowableOfType(
                ProblemException.class,
                () -> published("{\"action\":\"upload_failed\",\"error_message\":[" + number + "]}"));
        assertThat(refusal.problem().status()).isEqualTo(400);
    }

    @Test
    void errorsDoNotQuoteTheInput() {
        ProblemException refusal = catchThrowableOfType(
                ProblemException.class,
                () -> published(
                        "{\"action\":\"upload_failed\",\"upload_id\":\"1\",\"error_message\":{\"a\":\"secret\"},\"timestamp\":\"secret\"}"));
        assertThat(refusal.problem().json())
                .contains("error_message", "timestamp")
                .doesNotContain("secret", "dev.sluice", "java");
    }

    private String published(String text) {
        Reading<Event> reading = json.read(text.getBytes(StandardCharsets.UTF_8), Event.class);
        reading.check(reading.event(), List.of());
        return new String(json.write(reading.event()), StandardCharsets.UTF_8);
    }
}
