package dev.sluice.bench.process;

import java.io.IOException;

/** Signals that Java has no word for. */
final class Signals {

    private Signals() {}

    static void send(String signal, Process process) {
        try {
            int status = new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                    .start()
                    .waitFor();
            if (status != 0) {
                throw new BenchFailure("kill -" + signal + " failed with " + status);
            }
        } catch (IOException e) {
            throw new BenchFailure("can't send signals", e);
        } catch (InterruptedException e) {
            throw new BenchFailure("interrupted", e);
        }
    }
}
