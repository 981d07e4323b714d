package dev.sluice.bench.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/**
 * A page of Markdown, and how figures are written in it.
 *
 * @param text with places, each written as a name in <code>${}</code>, that are filled in one by one
 */
public record Markdown(String text) {

    /** @param neighbour in whose package the page is */
    public static Markdown of(Class<?> neighbour, String file) {
        try (InputStream in = neighbour.getResourceAsStream(file)) {
            return new Markdown(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public Markdown fill(String place, String value) {
        return new Markdown(text.replace("${" + place + "}", value));
    }

    public static String number(long number) {
        return String.format(Locale.ROOT, "%,d", number);
    }

    public static String seconds(Duration time) {
        return String.format(Locale.ROOT, "%.1f s", time.toMillis() / 1e3);
    }

    /** Without the unit. */
    public static String millis(double nanos) {
        return String.format(Locale.ROOT, "%,.1f", nanos / TimeUnit.MILLISECONDS.toNanos(1));
    }

    /** The same of what is recorded in nanoseconds. */
    public static String millis(Histogram recorded, double percentile) {
        return millis(recorded.getValueAtPercentile(percentile));
    }
}
