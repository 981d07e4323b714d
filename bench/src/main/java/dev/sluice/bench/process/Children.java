package dev.sluice.bench.process;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The processes that were started here. None of them outlives this one, unless it is killed with -9. Thread-safe. */
final class Children {

    private static final Set<Process> ALIVE = ConcurrentHashMap.newKeySet();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> ALIVE.forEach(Children::kill)));
    }

    private Children() {}

    /** @param log where what it says goes */
    static Process start(ProcessBuilder builder, Path log) {
        try {
            Process process = builder.redirectErrorStream(true)
                    .redirectOutput(log.toFile())
                    .start();
            ALIVE.add(process);
            return process;
        } catch (IOException e) {
            throw new BenchFailure("can't start " + builder.command().get(0), e);
        }
    }

    /** Ends it and all it has started, at once. */
    static void end(Process process) {
        kill(process);
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            throw new BenchFailure("interrupted", e);
        }
        ALIVE.remove(process);
    }

    /** Asks it to end, and waits until it has; fails where that takes too long. */
    static void terminate(Process process) {
        process.destroy();
        Waiting.until("the end of a process", () -> !process.isAlive());
        ALIVE.remove(process);
    }

    private static void kill(Process process) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
    }
}
