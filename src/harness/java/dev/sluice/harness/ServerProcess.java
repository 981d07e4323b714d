package dev.sluice.harness;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;

/**
 * A child process and its figures from {@code /proc}. It ends with this process, unless this process is killed with -9.
 * Thread-safe.
 */
public final class ServerProcess implements AutoCloseable {

    /** The unit of CPU times in {@code /proc}: {@code USER_HZ} is 100 on all usual Linux systems. */
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

    /** Returns the output so far. */
    public String log() {
        return read(log);
    }

    /** Sends SIGTERM. */
    public void terminate() {
        process.destroy();
    }

    /** Sends SIGSTOP: the process keeps its connections and does nothing. Returns once all its threads have stopped. */
    public void freeze() {
        signal("STOP");
        await().until(() -> threads().allMatch(thread -> status(thread, "State").startsWith("T")));
    }

    private Stream<Path> threads() throws IOException {
        try (Stream<Path> threads = Files.list(Path.of("/proc", Long.toString(pid()), "task"))) {
            return threads.toList().stream();
        }
    }

    /** Sends SIGCONT after {@link #freeze}. */
    public void thaw() {
        signal("CONT");
    }

    /** Waits for the end, and returns the exit status; fails after the time. */
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

    /** Kills the process and its children with -9, and waits for the end. */
    @Override
    public void close() {
        kill();
        exit(Duration.ofSeconds(30));
    }

    /**
     * Returns the CPU time so far in nanoseconds, with a resolution of 10 ms, including kernel time and the process's
     * children.
     */
    public long cpuNanos() {
        return sum(ServerProcess::cpuTicks) * NANOS_PER_TICK;
    }

    /**
     * Returns the CPU time of the JVM's living threads so far in nanoseconds, without those that compile: these work most while
     * a pod is young, whatever it has to do.
     */
    public long cpuNanosWithoutCompilers() {
        try (Stream<Path> threads = Files.list(Path.of("/proc", Long.toString(pid()), "task"))) {
            return threads.mapToLong(ServerProcess::nanosUnlessCompiler).sum();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long nanosUnlessCompiler(Path thread) {
        try {
            boolean compiles = Files.readString(thread.resolve("comm")).contains("CompilerThre");
            return compiles
                    ? 0
                    : Long.parseLong(
                            Files.readString(thread.resolve("schedstat")).split(" ", 2)[0]);
        } catch (IOException ended) {
            return 0;
        }
    }

    /** Returns the resident memory in bytes, including children; shared memory counts once per process. */
    public long residentBytes() {
        return sum(directory -> Long.parseLong(status(directory, "VmRSS").replaceAll("\\D", ""))) * 1024;
    }

    /** Returns the most resident memory so far in bytes, without children. */
    public long peakResidentBytes() {
        return Long.parseLong(status("VmHWM").replaceAll("\\D", "")) * 1024;
    }

    /** Returns the number of open files, including sockets. */
    public long openFiles() {
        return sum(directory -> {
            try (Stream<Path> files = Files.list(directory.resolve("fd"))) {
                return files.count();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    /** Returns the value of the name in {@code /proc/<pid>/status}. */
    public String status(String name) {
        return status(Path.of("/proc", Long.toString(pid())), name);
    }

    /** Sends SIGKILL and waits until the process is gone. */
    public void kill() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly().onExit().join();
    }

    /** Sends the signal, such as {@code USR2}. */
    public void signal(String name) {
        succeed("kill", "-" + name, Long.toString(pid()));
    }

    /** Makes the JVM collect garbage; fails if the process is no JVM of this version. */
    public void collectGarbage() {
        jcmd("GC.run");
    }

    /** Returns the bytes of the JVM's objects that are left after garbage collections; fails as that does. */
    public long liveHeap() {
        // The references that one collection clears keep objects until the next.
        collectGarbage();
        // Other figures have what was allocated since the collection, such as by the request for a metric.
        String histogram = jcmd("GC.class_histogram");
        String total = histogram.substring(histogram.lastIndexOf("Total"));
        return Long.parseLong(total.split("\\s+", -1)[2]);
    }

    /** Returns the number of the JVM's live objects by class, of classes whose names begin so; fails as that does. */
    public Map<String, Long> instances(String prefix) {
        collectGarbage();
        Map<String, Long> found = new TreeMap<>();
        for (String line : jcmd("GC.class_histogram").lines().toList()) {
            String[] columns = line.strip().split("\\s+", -1);
            if (columns.length >= 4 && columns[3].startsWith(prefix)) {
                found.put(columns[3], Long.valueOf(columns[1]));
            }
        }
        return found;
    }

    private String jcmd(String command) {
        String jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd").toString();
        return succeed(jcmd, Long.toString(pid()), command);
    }

    /** Runs a short command and returns what it prints, stripped; fails with that if the command fails. */
    public static String succeed(String... command) {
        try {
            Result result = result(command);
            if (result.status != 0) {
                throw new IllegalStateException(String.join(" ", command) + " failed:\n" + result.printed);
            }
            return result.printed;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Runs a short command and returns what it prints, stripped; empty if there is no such command or it fails. */
    public static Optional<String> output(String... command) {
        try {
            Result result = result(command);
            return result.status == 0 ? Optional.of(result.printed) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private record Result(int status, String printed) {}

    private static Result result(String... command) throws IOException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        try {
            return new Result(process.waitFor(), printed);
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
