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
 * Measures the memory of the process and its limits, in bytes. A JVM and a native executable both have these metrics;
 * where there is no Linux, only the limit of the heap. Safe for use by any number of threads.
 */
@Singleton
final class MemoryMeters implements MeterBinder {

    /** The files are far smaller; none is read further. */
    private static final int MAX_FILE = 64 * 1024;

    private static final Pattern RESIDENT = Pattern.compile("(?m)^VmRSS:\\s*(\\d{1,15}) kB$");
    private static final Pattern TOTAL = Pattern.compile("(?m)^MemTotal:\\s*(\\d{1,15}) kB$");

    /** The memory controller's line, of control groups v1 or, where it names no controller, v2. */
    private static final Pattern GROUP = Pattern.compile("(?m)^\\d+:(|(?:[^:\\n]*,)?memory(?:,[^:\\n]*)?):(/.*)$");

    /** A limit of v1 that means none has 19 digits, and is larger than any machine. */
    private static final Pattern LIMIT = Pattern.compile("(\\d{1,19})\\s*");

    private final Path root;

    @Inject
    MemoryMeters() {
        this(Path.of("/"));
    }

    /** Reads below the folder what Linux shows below {@code /}. */
    MemoryMeters(Path root) {
        this.root = root;
    }

    @Override
    public void bindTo(MeterRegistry metrics) {
        Gauge.builder("sluice.heap.max", Runtime.getRuntime(), Runtime::maxMemory)
                .description("Memory that the heap may grow to")
                .baseUnit("bytes")
                .register(metrics);
        if (resident().isPresent()) {
            // Under the name that the Prometheus client libraries give it.
            Gauge.builder("process.resident.memory", this, x -> value(x.resident()))
                    .description("Memory that the operating system has given the process")
                    .baseUnit("bytes")
                    .register(metrics);
        }
        if (limit().isPresent()) {
            Gauge.builder("sluice.memory.limit", this, x -> value(x.limit()))
                    .description("Memory that the process may use: its container's limit, or what the machine has")
                    .baseUnit("bytes")
                    .register(metrics);
        }
    }

    private static double value(OptionalLong bytes) {
        return bytes.isPresent() ? bytes.getAsLong() : Double.NaN;
    }

    /** Bytes of memory that the operating system has given the process; empty where it does not say so. */
    OptionalLong resident() {
        return kilobytes(RESIDENT, "proc/self/status");
    }

    /** Bytes that the process may use: the lowest limit of its control groups, at most what the machine has. */
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
            // In a container the path may be that of the host, and its own group be at the top.
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

    /** Empty where it can't be read. */
    private String text(String file) {
        try (InputStream in = Files.newInputStream(root.resolve(file))) {
            return new String(in.readNBytes(MAX_FILE), StandardCharsets.US_ASCII);
        } catch (IOException e) {
            return "";
        }
    }
}
