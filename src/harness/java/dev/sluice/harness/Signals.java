package dev.sluice.harness;

import java.io.IOException;
import java.io.UncheckedIOException;

/** Signals that Java has no word for. */
public final class Signals {

    private Signals() {}

    public static void stop(Process process) {
        send("STOP", process);
    }

    public static void goOn(Process process) {
        send("CONT", process);
    }

    private static void send(String signal, Process process) {
        try {
            int status = new ProcessBuilder("kill", "-" + signal, String.valueOf(process.pid()))
                    .inheritIO()
                    .start()
                    .waitFor();
            if (status != 0) {
                throw new IllegalStateException("kill -" + signal + " failed with " + status);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
