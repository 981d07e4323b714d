package dev.sluice.delivery;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;

/** A source that runs its tasks on the test's thread. */
public final class HandDrivenSource implements Source {

    final Queue<Runnable> tasks = new ArrayDeque<>();
    final List<Runnable> timers = new ArrayList<>();
    final List<Duration> delays = new ArrayList<>();
    public boolean paused;
    int pauses;

    @Override
    public void pause() {
        paused = true;
        pauses++;
    }

    @Override
    public void resume() {
        paused = false;
    }

    @Override
    public void execute(Runnable task) {
        tasks.add(task);
    }

    @Override
    public void execute(Runnable task, Duration delay) {
        timers.add(task);
        delays.add(delay);
    }

    /** Runs the queued tasks. */
    public void runTasks() {
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
        }
    }

    /** Fires all timers. */
    public void timeIsUp() {
        List<Runnable> due = List.copyOf(timers);
        timers.clear();
        due.forEach(Runnable::run);
        runTasks();
    }
}
