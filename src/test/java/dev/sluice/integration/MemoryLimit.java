package dev.sluice.integration;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** A control group with a memory limit, like a container's. */
record MemoryLimit(Path group) implements AutoCloseable {

    private static final Path ROOT = Path.of("/sys/fs/cgroup");

    /** Creates one; empty if that is impossible, which needs root and the machine's own cgroups. */
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

    /** Returns the cgroup v1 path of this process. */
    private static String own() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/cgroup"))) {
            return lines.map(line -> line.split(":", 3))
                    .filter(line -> line[1].equals("memory"))
                    .map(line -> line[2])
                    .findFirst()
                    .orElse("");
        }
    }

    /** Returns the command prefix that runs a command in the group. */
    List<String> prefix() {
        return List.of("sh", "-c", "echo $$ > " + group.resolve("cgroup.procs") + " && exec \"$@\"", "sh");
    }

    /** To be closed after its last process has ended. */
    @Override
    public void close() {
        try {
            Files.delete(group);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
