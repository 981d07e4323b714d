package dev.sluice.integration;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** A control group that may use only so much memory, as a container is one. */
record MemoryLimit(Path group) implements AutoCloseable {

    private static final Path ROOT = Path.of("/sys/fs/cgroup");

    /** A new one; empty where none can be made, mostly because one has to be root and own the machine. */
    static Optional<MemoryLimit> of(long bytes) {
        String name = "sluice-" + ProcessHandle.current().pid();
        boolean unified = Files.exists(ROOT.resolve("cgroup.controllers"));
        try {
            Path group = unified
                    ? ROOT.resolve(name)
                    : ROOT.resolve("memory" + own()).resolve(name);
            Files.createDirectory(group);
            Files.writeString(group.resolve(unified ? "memory.max" : "memory.limit_in_bytes"), String.valueOf(bytes));
            return Optional.of(new MemoryLimit(group));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** Where in the old hierarchy this process is. */
    private static String own() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/cgroup"))) {
            return lines.map(line -> line.split(":", 3))
                    .filter(line -> line[1].equals("memory"))
                    .map(line -> line[2])
                    .findFirst()
                    .orElse("");
        }
    }

    /** What must come before a command to run it in the group. */
    List<String> prefix() {
        return List.of("sh", "-c", "echo $$ > " + group.resolve("cgroup.procs") + " && exec \"$@\"", "sh");
    }

    /** Once the last process in it has ended. */
    @Override
    public void close() {
        try {
            Files.delete(group);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
