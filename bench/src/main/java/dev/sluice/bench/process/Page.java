package dev.sluice.bench.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.HdrHistogram.Histogram;

/**
 * A page of Markdown of which programs write some parts. A part stands between {@code <!--program-name-->} and {@code <!--/program-name-->};
 * the rest is written by hand and stays as it is.
 */
public final class Page {

    private final String program;
    private final Set<String> unwritten;
    private String text;

    /** @param program whose parts are written */
    public Page(String text, String program) {
        this.text = text;
        this.program = program;
        this.unwritten = Pattern.compile("<!--" + program + "-([a-z0-9-]+)-->")
                .matcher(text)
                .results()
                .map(begin -> begin.group(1))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    public static Page read(Path file, String program) throws IOException {
        return new Page(Files.readString(file), program);
    }

    /** Replaces the content of the part; fails if the page has no such part. */
    public Page write(String part, String content) {
        if (!unwritten.remove(part)) {
            throw new IllegalArgumentException(
                    "the page has no part " + part + " of " + program + ", or it is written");
        }
        String name = program + "-" + part;
        text = Pattern.compile("(<!--" + name + "-->).*?(<!--/" + name + "-->)", Pattern.DOTALL)
                .matcher(text)
                .replaceAll("$1" + Matcher.quoteReplacement(content) + "$2");
        return this;
    }

    /** Replaces the content of the part by lines of their own. */
    public Page writeLines(String part, String lines) {
        return write(part, "\n" + lines + "\n");
    }

    /** Replaces the content of the part by a table with a row for each item. */
    public <T> Page writeTable(String part, List<T> items, List<Column<T>> columns) {
        return writeLines(part, table(items, columns));
    }

    /** The whole page; fails if a part of the program has not been written. */
    public String text() {
        if (!unwritten.isEmpty()) {
            throw new IllegalStateException("not all parts of " + program + " are written: " + unwritten);
        }
        return text;
    }

    /** A table in Markdown, with a row for each item. */
    public static <T> String table(List<T> items, List<Column<T>> columns) {
        String head = row(columns.stream().map(Column::title).toList());
        String ruler = columns.stream()
                .map(column -> column.figure() ? "--:|" : "---|")
                .collect(Collectors.joining());
        return items.stream()
                .map(item -> "\n"
                        + row(columns.stream()
                                .map(column -> column.cell().apply(item))
                                .toList()))
                .collect(Collectors.joining("", head + "\n|" + ruler, ""));
    }

    private static String row(List<String> cells) {
        return "|" + String.join("|", cells) + "|";
    }

    /**
     * A column of a table.
     *
     * @param figure whether the cells are aligned to the right
     */
    public record Column<T>(String title, boolean figure, Function<T, String> cell) {

        public static <T> Column<T> text(String title, Function<T, String> cell) {
            return new Column<>(title, false, cell);
        }

        public static <T> Column<T> figure(String title, Function<T, String> cell) {
            return new Column<>(title, true, cell);
        }

        /** A column of counts. */
        public static <T> Column<T> count(String title, Function<T, Long> count) {
            return new Column<>(title, true, item -> grouped(count.apply(item)));
        }
    }

    /** A number with commas between thousands. */
    public static String grouped(long number) {
        return String.format(Locale.ROOT, "%,d", number);
    }

    public static String seconds(Duration time) {
        return String.format(Locale.ROOT, "%.1f s", time.toMillis() / 1e3);
    }

    /** Nanoseconds in milliseconds, without the unit. */
    public static String millis(double nanos) {
        return String.format(Locale.ROOT, "%,.1f", nanos / TimeUnit.MILLISECONDS.toNanos(1));
    }

    /** A percentile of recorded nanoseconds in milliseconds, without the unit. */
    public static String millis(Histogram recorded, double percentile) {
        return millis(recorded.getValueAtPercentile(percentile));
    }
}
