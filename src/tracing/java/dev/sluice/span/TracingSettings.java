package dev.sluice.span;

import io.smallrye.config.ConfigSourceContext;
import io.smallrye.config.ConfigSourceFactory;
import io.smallrye.config.ConfigValue;
import io.smallrye.config.PropertiesConfigSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.eclipse.microprofile.config.spi.ConfigSource;
import org.jspecify.annotations.Nullable;

/**
 * Disables OpenTelemetry unless an endpoint is set, by Quarkus's keys or by {@code OTEL_EXPORTER_OTLP_ENDPOINT}, which
 * Quarkus does not read. Every other source overrides this one.
 */
public final class TracingSettings implements ConfigSourceFactory {

    private static final String ENDPOINT = "quarkus.otel.exporter.otlp.endpoint";
    private static final String OF_TRACES = "quarkus.otel.exporter.otlp.traces.endpoint";
    private static final String STANDARD = "otel.exporter.otlp.endpoint";
    private static final String DISABLED = "quarkus.otel.sdk.disabled";
    private static final int ORDINAL = 50;

    /** The ordinal of Quarkus's defaults. */
    private static final int DEFAULT = Integer.MIN_VALUE;

    @Override
    public Iterable<ConfigSource> getConfigSources(ConfigSourceContext context) {
        // Also if it is false, because the build records what it finds as the default.
        Map<String, String> settings = new HashMap<>(Map.of(DISABLED, "false"));
        if (Stream.of(ENDPOINT, OF_TRACES).allMatch(key -> set(context, key) == null)) {
            String standard = set(context, STANDARD);
            if (standard == null) {
                settings.put(DISABLED, "true");
            } else {
                settings.put(ENDPOINT, standard);
            }
        }
        return List.of(new PropertiesConfigSource(settings, "tracing", ORDINAL));
    }

    private static @Nullable String set(ConfigSourceContext context, String key) {
        ConfigValue value = context.getValue(key);
        return value == null || value.getConfigSourceOrdinal() == DEFAULT ? null : value.getValue();
    }
}
