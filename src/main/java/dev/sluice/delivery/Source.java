package dev.sluice.delivery;

import java.time.Duration;

/** Where publications come from: how it is slowed down, and the thread it brings them on. Safe for use by any thread. */
public interface Source {

    /** Stops reading; publications that were read already may still arrive. Idempotent. */
    void pause();

    /** Resumes reading. Idempotent. */
    void resume();

    /** Runs a task on the thread publications come on, after those that have been read already. */
    void execute(Runnable task);

    /** Runs a task on that thread later. */
    void execute(Runnable task, Duration delay);
}
