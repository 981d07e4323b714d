package dev.sluice.health;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Measures the memory of the process and its limits, in bytes, on the JVM and in a native executable. On systems other
 * than Linux it measures only the heap limit. Thread-safe.
 */
@Singleton
final class MemoryMeters implements MeterBinder {

    /** The maximum bytes read of a file; the files are far smaller. */
    private static final int MAX_FILE = 64 * 1024;

    private static final Pattern RESIDENT = Pattern.compile("(?m)^VmRSS:\\s*(\\d{1,15}) kB$");
    private static final Pattern TOTAL = Pattern.compile("(?m)^MemTotal:\\s*(\\d{1,15}) kB$");

    /** The line of the memory controller in cgroups v1, or the line of v2, which names no controller. */
    private static final Pattern GROUP = Pattern.compile("(?m)^\\d+:(|(?:[^:\\n]*,)?memory(?:,[^:\\n]*)?):(/.*)$");

    /** In v1, a number of 19 digits, larger than any machine, means no limit. */
    private static final Pattern LIMIT = Pattern.compile("(\\d{1,19})\\s*");

    private final Path root;

    @Inject
    MemoryMeters() {
        this(Path.of("/"));
    }

    /** Reads the files of Linux below this folder. */
    MemoryMeters(Path root) {
        this.root = root;
    }

    @Override
    public void bindTo(MeterRegistry metrics) {
        Gauge.builder("sluice.heap.max", Runtime.getRuntime(), Runtime::maxMemory)
                .description("Maximum size of the heap")
                .baseUnit("bytes")
                .register(metrics);
        if (resident().isPresent()) {
            // The name that the Prometheus client libraries use.
            Gauge.builder("process.resident.memory", this, x -> value(x.resident()))
                    .description("Resident memory of the process")
                    .baseUnit("bytes")
                    .register(metrics);
        }
        if (limit().isPresent()) {
            Gauge.builder("sluice.memory.limit", this, x -> value(x.limit()))
                    .description(
                            "Memory that the process may use: the limit of its container, or the memory of the machine")
                    .baseUnit("bytes")
                    .register(metrics);
        }
    }

    private static double value(OptionalLong bytes) {
        return bytes.isPresent() ? bytes.getAsLong() : Double.NaN;
    }

    /** Returns the resident memory in bytes; empty if the operating system does not report it. */
    OptionalLong resident() {
        return kilobytes(RESIDENT, "proc/self/status");
    }

    /**
     * Returns the bytes that the process may use: the lowest limit of its control groups, at most the machine's memory.
     */
    OptionalLong limit() {
        OptionalLong total = kilobytes(TOTAL, "proc/meminfo");
        if (total.isEmpty()) {
            return total;
        }
        long lowest = total.getAsLong();
        Matcher groups = GROUP.matcher(text("proc/self/cgroup"));
        while (groups.find()) {
            boolean unified = groups.group(1).isEmpty();
            String folder = unified ? "sys/fs/cgroup" : "sys/fs/cgroup/memory";
            String file = unified ? "memory.max" : "memory.limit_in_bytes";
            // In a container, the path may be the host's, and the container's own group may be at the top.
            for (Path group = Path.of(groups.group(2)); group != null; group = group.getParent()) {
                lowest = Math.min(lowest, limit(folder + group + "/" + file));
            }
        }
        return OptionalLong.of(lowest);
    }

    private long limit(String file) {
        Matcher limit = LIMIT.matcher(text(file));
        try {
            return limit.matches() ? Long.parseLong(limit.group(1)) : Long.MAX_VALUE;
        } catch (NumberFormatException e) {
            return Long.MAX_VALUE;
        }
    }

    private OptionalLong kilobytes(Pattern line, String file) {
        Matcher found = line.matcher(text(file));
        return found.find() ? OptionalLong.of(1024 * Long.parseLong(found.group(1))) : OptionalLong.empty();
    }

    /** Returns the content; empty if the file can't be read. */
    private String text(String file) {
        try (InputStream in = Files.newInputStream(root.resolve(file))) {
            return new String(in.readNBytes(MAX_FILE), StandardCharsets.US_ASCII);
        } catch (IOException e) {
            return "";
        }
    }
}
