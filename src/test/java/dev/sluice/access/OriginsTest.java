package dev.sluice.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.quarkus.runtime.configuration.ConfigurationException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OriginsTest {

    @ParameterizedTest
    @CsvSource({
        "http://app.example.org, app.example.org, -1, true",
        "http://app.example.org, app.example.org, 80, true",
        "https://app.example.org, app.example.org, -1, true",
        "https://app.example.org, app.example.org, 443, true",
        "https://APP.example.org, app.EXAMPLE.org, -1, true",
        "http://localhost:8080, localhost, 8080, true",
        "http://[::1]:8080, [::1], 8080, true",
        "http://localhost:8080, localhost, 8081, false",
        "http://localhost, localhost, 8080, false",
        "http://my_app:8080, my_app, 8080, true",
        "http://evil.example, app.example.org, -1, false",
        "http://app.example.org.evil.example, app.example.org, -1, false",
        "http://app.example.org@evil.example, app.example.org, -1, false",
        "null, app.example.org, -1, false",
        "'', app.example.org, -1, false",
        "http://app.example.org/path, app.example.org, -1, false",
        "http://, app.example.org, -1, false",
    })
    void ownHostIsAllowedByDefault(String origin, String host, int port, boolean allowed) {
        assertThat(origins(Optional.empty()).allow(origin, host, port)).isEqualTo(allowed);
    }

    @Test
    void requestWithoutHostAllowsNoOrigin() {
        assertThat(origins(Optional.empty()).allow("http://app.example.org", null, -1))
                .isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "https://one.example.org, true",
        "https://a.two.example.org, true",
        "https://a.b.two.example.org, true",
        "http://localhost:3000, true",
        "http://one.example.org, false",
        "https://one.example.org:8443, false",
        "https://two.example.org, false",
        "https://eviltwo.example.org, false",
        "https://app.example.org, true",
        "https://app.example.org:8443, false",
        "http://127.0.0.1, true",
        "http://127.0.0.1:5173, true",
        "https://127.0.0.1:5173, false",
        "http://127.0.0.1.evil.example:5173, false",
        "http://[::1]:5173, true",
        "http://a.dev.example.org:5173, true",
        "http://dev.example.org:5173, false",
        "null, false",
    })
    void listedOriginsAreAllowedToo(String origin, boolean allowed) {
        Origins origins = origins(Optional.of(List.of(
                "https://one.example.org",
                "https://*.two.example.org",
                "http://localhost:3000",
                "http://127.0.0.1:*",
                "http://[::1]:*",
                "http://*.dev.example.org:*")));
        assertThat(origins.allow(origin, "app.example.org", -1)).isEqualTo(allowed);
    }

    @Test
    void asteriskAllowsEveryOrigin() {
        Origins origins = origins(Optional.of(List.of("https://one.example.org", "*")));
        assertThat(origins.allow("null", "app.example.org", -1)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "example.org",
                "https://",
                "https://a.*.org",
                "https://example.org/",
                "https://*",
                "https:*",
                "http://:*",
                "*:*",
                "http://a:1:*",
                "http://a:*/"
            })
    void refusesAnInvalidList(String entry) {
        assertThatThrownBy(() -> origins(Optional.of(List.of(entry))))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("sluice.origins")
                .hasMessageContaining(entry);
    }

    private static Origins origins(Optional<List<String>> configured) {
        return new Origins(configured, new SimpleMeterRegistry());
    }
}
