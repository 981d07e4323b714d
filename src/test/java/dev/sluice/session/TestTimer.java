package dev.sluice.session;

import java.util.ArrayList;
import java.util.List;

/** A timer that is up when a test says so. */
final class TestTimer implements Timer {

    private final List<Runnable> tasks = new ArrayList<>();

    @Override
    public Runnable after(long millis, Runnable task) {
        tasks.add(task);
        return () -> tasks.remove(task);
    }

    /** Runs the tasks that wait and are not cancelled meanwhile. */
    void isUp() {
        for (Runnable task : List.copyOf(tasks)) {
            if (tasks.remove(task)) {
                task.run();
            }
        }
    }

    /** The number of tasks that wait. */
    int count() {
        return tasks.size();
    }
}
