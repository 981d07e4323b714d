package dev.sluice.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;

/**
 * What a pod costs the tests. Each pod adds a line to {@code pods.tsv} in the {@link Fork#folder} when it ends: the test
 * class that has started it, its CPU time (zero if it ended by itself or was killed) and its lifetime in seconds, and
 * its configuration.
 */
final class PodRecord {

    private static final String FILE = "pods.tsv";
    private static final String PREFIX = "-D";

    /** Options that every pod has, or whose values differ from run to run. */
    private static final List<String> USUAL = List.of(
            "-Dio.netty.leakDetection.",
            "-Djava.util.logging.manager",
            "-Dmp.jwt.verify.publickey.location",
            "-Dquarkus.http.port",
            "-Dquarkus.management.port",
            "-Dquarkus.redis.hosts",
            "-Dsluice.subscriptions.linger=0s");

    private final ServerProcess process;
    private final String starter;
    private final String config;
    private final long startedAt = System.nanoTime();
    private final AtomicBoolean written = new AtomicBoolean();

    private PodRecord(ServerProcess process, String starter, String config) {
        this.process = process;
        this.starter = starter;
        this.config = config;
    }

    static PodRecord of(ServerProcess process, List<String> command) {
        String starter = StackWalker.getInstance()
                .walk(frames -> frames.map(StackWalker.StackFrame::getClassName)
                        .filter(name -> !name.startsWith(PodRecord.class.getPackageName()))
                        .findFirst()
                        .orElse("?"));
        String config = command.stream()
                .filter(option -> option.startsWith(PREFIX) && USUAL.stream().noneMatch(option::startsWith))
                .map(option -> option.substring(PREFIX.length()))
                .collect(Collectors.joining(" "));
        return new PodRecord(process, starter.substring(starter.lastIndexOf('.') + 1), config);
    }

    /** Writes the line, unless it is written. */
    void write() {
        if (!written.compareAndSet(false, true)) {
            return;
        }
        double cpu = process.isAlive() ? process.cpuNanos() / 1e9 : 0;
        double lifetime = (System.nanoTime() - startedAt) / 1e9;
        String line = String.format(Locale.ROOT, "%s\t%.2f\t%.1f\t%s%n", starter, cpu, lifetime, config);
        try {
            Files.writeString(Fork.folder().resolve(FILE), line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
