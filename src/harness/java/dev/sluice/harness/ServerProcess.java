package dev.sluice.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;

/**
 * A process that this one has started, and what Linux says of it. It ends with this one, unless that is killed with -9.
 * Thread-safe.
 */
public final class ServerProcess implements AutoCloseable {

    /** What CPU times are counted in: {@code USER_HZ} is 100 on every Linux that matters. */
    public static final long NANOS_PER_TICK = 10_000_000;

    private static final int USER_TIME = 11;
    private static final int SYSTEM_TIME = 12;
    private static final Set<ServerProcess> ALIVE = ConcurrentHashMap.newKeySet();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> ALIVE.forEach(ServerProcess::kill)));
    }

    private final Process process;
    private final Path log;

    private ServerProcess(Process process, Path log) {
        this.process = process;
        this.log = log;
        ALIVE.add(this);
    }

    /**
     * Starts a process.
     *
     * @param log the file for its output
     */
    public static ServerProcess start(ProcessBuilder builder, Path log) {
        try {
            return new ServerProcess(
                    builder.redirectErrorStream(true)
                            .redirectOutput(log.toFile())
                            .start(),
                    log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public long pid() {
        return process.pid();
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    /** Its output so far. */
    public String log() {
        return read(log);
    }

    /** Sends SIGTERM. */
    public void terminate() {
        process.destroy();
    }

    /** Sends SIGSTOP: the process keeps its connections and does nothing. */
    public void freeze() {
        signal("STOP");
    }

    /** Lets it go on after it was frozen. */
    public void thaw() {
        signal("CONT");
    }

    /** Its exit status; fails where it has not ended in time. */
    public int exit(Duration within) {
        try {
            if (!process.waitFor(within.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new AssertionError("still running after " + within + ":\n" + log());
            }
            ALIVE.remove(this);
            return process.exitValue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Kills it, and what it has started, with -9; returns once it has ended. */
    @Override
    public void close() {
        kill();
        exit(Duration.ofSeconds(30));
    }

    /** CPU time so far in nanoseconds, exact to 10 ms; it includes the kernel's, and that of the processes it has started. */
    public long cpuNanos() {
        return sum(ServerProcess::cpuTicks) * NANOS_PER_TICK;
    }

    /** Resident memory in bytes; what several of its processes share counts in each of them. */
    public long residentBytes() {
        return sum(directory -> Long.parseLong(status(directory, "VmRSS").replaceAll("\\D", ""))) * 1024;
    }

    /** Open files, sockets among them. */
    public long openFiles() {
        return sum(directory -> {
            try (Stream<Path> files = Files.list(directory.resolve("fd"))) {
                return files.count();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    /** The value of the name in {@code /proc/<pid>/status}. */
    public String status(String name) {
        return status(Path.of("/proc", Long.toString(pid())), name);
    }

    /** Ends it at once, as by kill -9, and waits until it is gone. */
    public void kill() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly().onExit().join();
    }

    private void signal(String name) {
        try {
            int status = new ProcessBuilder("kill", "-" + name, Long.toString(pid()))
                    .inheritIO()
                    .start()
                    .waitFor();
            if (status != 0) {
                throw new IllegalStateException("kill -" + name + " failed with " + status);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private long sum(ToLongFunction<Path> of) {
        return Stream.concat(Stream.of(process.toHandle()), process.descendants())
                .map(handle -> Path.of("/proc", Long.toString(handle.pid())))
                .mapToLong(of)
                .sum();
    }

    private static long cpuTicks(Path directory) {
        String stat = read(directory.resolve("stat"));
        // The second field is the program's name in parentheses, which may contain anything.
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        return Long.parseLong(fields[USER_TIME]) + Long.parseLong(fields[SYSTEM_TIME]);
    }

    private static String status(Path directory, String name) {
        return read(directory.resolve("status"))
                .lines()
                .filter(line -> line.startsWith(name + ":"))
                .map(line -> line.substring(name.length() + 1).strip())
                .findFirst()
                .orElseThrow();
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
