package dev.sluice.bench.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.function.ToLongFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** What a process and all it has started use, and what the machine does, from Linux's {@code /proc}. */
public final class Usage {

    /** What CPU times are counted in: {@code USER_HZ} is 100 on every Linux that matters. */
    public static final long NANOS_PER_TICK = 10_000_000;

    private static final Set<Integer> IDLE_TIMES = Set.of(3, 4);

    /** Those that come behind repeat what others have counted already. */
    private static final int TIMES = 8;

    private static final int USER_TIME = 11;
    private static final int SYSTEM_TIME = 12;

    private Usage() {}

    /** CPU time so far, in the process itself and in the kernel on its behalf, in nanoseconds, 10 ms exact. */
    static long cpuNanos(Process process) {
        return sum(process, Usage::cpuTicks) * NANOS_PER_TICK;
    }

    /** Resident memory, in bytes. What several processes share counts in each of them. */
    static long residentBytes(Process process) {
        return sum(process, Usage::residentKilobytes) * 1024;
    }

    /** Files, sockets among them, that it and all it has started have open. */
    static long openFiles(Process process) {
        return sum(process, directory -> list(directory.resolve("fd")));
    }

    /** What all cores have been busy so far, stolen time included, in nanoseconds, 10 ms exact. */
    public static long machineNanos() {
        String[] times = read(Path.of("/proc/stat"))
                .lines()
                .findFirst()
                .orElseThrow()
                .substring("cpu".length())
                .strip()
                .split(" ");
        return IntStream.range(0, TIMES)
                        .filter(i -> !IDLE_TIMES.contains(i))
                        .mapToLong(i -> Long.parseLong(times[i]))
                        .sum()
                * NANOS_PER_TICK;
    }

    private static long sum(Process process, ToLongFunction<Path> of) {
        return Stream.concat(Stream.of(process.toHandle()), process.descendants())
                .map(handle -> Path.of("/proc", Long.toString(handle.pid())))
                .mapToLong(of)
                .sum();
    }

    private static long cpuTicks(Path process) {
        String stat = read(process.resolve("stat"));
        // The second field is the program's name in parentheses, which may contain anything.
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return Long.parseLong(fields[USER_TIME]) + Long.parseLong(fields[SYSTEM_TIME]);
    }

    private static long residentKilobytes(Path process) {
        return read(process.resolve("status"))
                .lines()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                .findFirst()
                .orElse(0);
    }

    private static long list(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            return files.count();
        } catch (IOException e) {
            throw new BenchFailure("can't list " + directory + "; has the process ended?", e);
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new BenchFailure("can't read " + file + "; has the process ended?", e);
        }
    }
}
