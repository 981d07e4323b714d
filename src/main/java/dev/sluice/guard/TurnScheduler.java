package dev.sluice.guard;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;

/**
 * Limits how much inbound work one event loop does per iteration ("turn"), so that deliveries wait for at most one
 * turn. A turn handles a few messages or starts one request; the rest waits in a FIFO queue for the next turn. Each
 * connection queues at most one message or request and one replay, so the number of connections bounds the queue.
 * Confined to the event loop.
 */
public final class TurnScheduler {

    /** The budget of one turn in charged bytes: two messages of the default maximum size, about 0.3 ms of work. */
    public static final int PER_TURN = 128 * 1024;

    /** The cost of an HTTP request or upgrade in bytes: it takes as long as two large messages. */
    static final int REQUEST = PER_TURN;

    private final Executor afterTurn;
    private final Queue<Runnable> ready = new ArrayDeque<>();
    private int spent;
    private boolean running;
    private boolean awaitsNextTurn;

    /**
     * Creates the scheduler of one event loop.
     *
     * @param afterTurn runs a task after the event loop has polled its sockets again
     */
    public TurnScheduler(Executor afterTurn) {
        this.afterTurn = afterTurn;
    }

    /** Queues the work of a connection; runs it immediately if the turn's budget allows. */
    public void add(Runnable work) {
        ready.add(work);
        run();
    }

    /** Whether work may run immediately: the queue is empty, and the turn's budget is not spent. */
    boolean hasRoom() {
        return ready.isEmpty() && spent < PER_TURN;
    }

    /** Charges the turn. */
    public void spend(int bytes) {
        spent += bytes;
        if (!awaitsNextTurn) {
            afterTurn.execute(this::nextTurn);
            awaitsNextTurn = true;
        }
    }

    private void nextTurn() {
        awaitsNextTurn = false;
        spent = 0;
        run();
    }

    private void run() {
        if (running) {
            // Work that adds more work must finish first.
            return;
        }
        running = true;
        try {
            while (spent < PER_TURN && !ready.isEmpty()) {
                ready.remove().run();
            }
        } finally {
            running = false;
        }
    }
}
