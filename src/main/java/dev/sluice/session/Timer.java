package dev.sluice.session;

import io.vertx.core.Vertx;

/** Runs a task later, on any thread. */
@FunctionalInterface
interface Timer {

    /** Returns an action that cancels the task, which else is held until it runs. */
    Runnable after(long millis, Runnable task);

    static Timer of(Vertx vertx) {
        return (millis, task) -> {
            long timer = vertx.setTimer(millis, fired -> task.run());
            return () -> vertx.cancelTimer(timer);
        };
    }
}
