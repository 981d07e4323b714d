package dev.sluice.deploy;

import dev.sluice.config.SluiceConfig;
import io.smallrye.config.ConfigMappings.ConfigClass;
import java.util.Collections;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** The keys of Sluice, from its configuration tree. */
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

    /** Returns the default of the key. */
    static String valueByDefault(String key) {
        return Objects.requireNonNull(KEYS.get(key), key);
    }

    /** Returns every key with its default, null without one; {@code *} stands for a prefix. */
    static Map<String, String> defaults() {
        return Collections.unmodifiableMap(KEYS);
    }

    private static Map<String, String> keys() {
        Map<String, String> keys =
                new TreeMap<>(ConfigClass.configClass(SluiceConfig.class).getProperties());
        // The elements of a list; the list itself is also a key.
        keys.keySet().removeIf(key -> key.endsWith("[*]"));
        return keys;
    }
}
