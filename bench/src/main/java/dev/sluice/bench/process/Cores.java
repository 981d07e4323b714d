package dev.sluice.bench.process;

import java.io.IOException;
import java.nio.file.Path;

/** Who gets the core where there are more threads than cores. */
public final class Cores {

    private Cores() {}

    /** The thread that calls this gets a core from now on only while nobody else wants it. */
    public static void yieldToAll() {
        try {
            String thread =
                    Path.of("/proc/thread-self").toRealPath().getFileName().toString();
            Command.output("chrt", "--idle", "--pid", "0", thread)
                    .orElseThrow(() -> new BenchFailure("chrt fails, or there is none"));
        } catch (IOException e) {
            throw new BenchFailure("can't tell which thread this is", e);
        }
    }
}
