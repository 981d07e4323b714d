package dev.sluice.bench.report;

import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/** How figures are written. */
public final class Figures {

    private Figures() {}

    public static String number(long number) {
        return String.format(Locale.ROOT, "%,d", number);
    }

    public static String seconds(Duration time) {
        return String.format(Locale.ROOT, "%.1f s", time.toMillis() / 1e3);
    }

    /** Without the unit; what is recorded is in nanoseconds. */
    public static String millis(Histogram recorded, double percentile) {
        double nanos = recorded.getValueAtPercentile(percentile);
        return String.format(Locale.ROOT, "%,.1f", nanos / TimeUnit.MILLISECONDS.toNanos(1));
    }
}
