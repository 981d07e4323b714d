package dev.sluice.deploy;

import dev.sluice.config.SluiceConfig;
import io.smallrye.config.ConfigMappings.ConfigClass;
import java.util.Collections;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** What Sluice can be configured with, by its configuration tree. */
final class Configuration {

    private static final Map<String, String> KEYS = keys();

    private Configuration() {}

    /** Whether the environment variable sets a key. */
    static boolean knows(String variable) {
        return KEYS.keySet().stream()
                .map(key -> key.toUpperCase(Locale.ROOT)
                        .replaceAll("[^A-Z0-9*]", "_")
                        .replace("*", "[A-Z0-9_]+"))
                .anyMatch(name -> Pattern.matches(name, variable));
    }

    /** What the key is where nobody sets it. */
    static String valueByDefault(String key) {
        return Objects.requireNonNull(KEYS.get(key), key);
    }

    /** Every key with its default, null where it has none; {@code *} stands for a prefix. */
    static Map<String, String> defaults() {
        return Collections.unmodifiableMap(KEYS);
    }

    private static Map<String, String> keys() {
        Map<String, String> keys =
                new TreeMap<>(ConfigClass.configClass(SluiceConfig.class).getProperties());
        // The elements of a list, which is a key itself.
        keys.keySet().removeIf(key -> key.endsWith("[*]"));
        return keys;
    }
}
