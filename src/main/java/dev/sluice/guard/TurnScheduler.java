package dev.sluice.guard;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;

/**
 * Spreads what clients make one event loop do over its turns, so that deliveries wait for a little of it only: a turn passes
 * on a few messages or begins a request, and what is left waits for the next turn, in the order in which it came. Each
 * connection queues at most one message or request and one replay at a time, so the queue is bounded by the number of
 * connections. Confined to the event loop.
 */
public final class TurnScheduler {

    /** Bytes, as charged, that are passed on in one turn: two messages of the default maximum, about 0.3 ms of work. */
    public static final int PER_TURN = 128 * 1024;

    /** What an HTTP request, upgrades included, counts as, in bytes: it takes as long as two large messages. */
    static final int REQUEST = PER_TURN;

    private final Executor afterTurn;
    private final Queue<Runnable> ready = new ArrayDeque<>();
    private int spent;
    private boolean running;
    private boolean awaitsNextTurn;

    /**
     * A scheduler of one event loop.
     *
     * @param afterTurn runs a task when the event loop has looked for input again
     */
    public TurnScheduler(Executor afterTurn) {
        this.afterTurn = afterTurn;
    }

    /** Queues the work of a connection, which must have none in the queue. Runs it at once where the turn has room. */
    public void add(Runnable work) {
        ready.add(work);
        run();
    }

    /** Whether work may be done at once: nothing waits, and the turn has room. */
    boolean hasRoom() {
        return ready.isEmpty() && spent < PER_TURN;
    }

    /** The turn is charged that many bytes. */
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
            // Work that adds more waits for its own end.
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
