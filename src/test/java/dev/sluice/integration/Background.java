package dev.sluice.integration;

import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * Runs each task on its own thread. On two cores the common pool has one thread; a task that blocks it blocks the HTTP
 * client of JDK 25, which completes its futures there.
 */
final class Background {

    private Background() {}

    static CompletableFuture<Void> run(Runnable task) {
        return CompletableFuture.runAsync(task, Background::start);
    }

    static <T> CompletableFuture<T> supply(Supplier<T> task) {
        return CompletableFuture.supplyAsync(task, Background::start);
    }

    private static void start(Runnable task) {
        Thread thread = new Thread(task, "background");
        thread.setDaemon(true);
        thread.start();
    }
}
