package dev.sluice.bench.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** A text with places, each written as a name in <code>${}</code>, that are filled in one by one. */
public record Template(String text) {

    /** @param neighbour in whose package the text is */
    public static Template of(Class<?> neighbour, String file) {
        try (InputStream in = neighbour.getResourceAsStream(file)) {
            return new Template(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public Template fill(String place, String value) {
        return new Template(text.replace("${" + place + "}", value));
    }
}
