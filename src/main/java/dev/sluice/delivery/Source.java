package dev.sluice.delivery;

import java.time.Duration;

/** The source of publications: pauses it, and runs tasks on its thread. Thread-safe. */
public interface Source {

    /** Pauses reading; publications that have already been read may still arrive. Idempotent. */
    void pause();

    /** Resumes reading. Idempotent. */
    void resume();

    /** Runs a task on the source's thread, after the publications that have already been read. */
    void execute(Runnable task);

    /** Runs a task on that thread later. */
    void execute(Runnable task, Duration delay);
}
