package dev.sluice.session;

import io.vertx.core.Vertx;

/** Runs a task later, on any thread. */
@FunctionalInterface
interface Timer {

    void after(long millis, Runnable task);

    static Timer of(Vertx vertx) {
        return (millis, task) -> vertx.setTimer(millis, fired -> task.run());
    }
}
