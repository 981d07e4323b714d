package dev.sluice.stream;

import dev.sluice.delivery.DeliveryDispatcher;
import dev.sluice.delivery.Source;
import dev.sluice.log.LogThrottle;
import dev.sluice.log.RootCause;
import io.smallrye.mutiny.Uni;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.function.Consumer;
import org.jboss.logging.Logger;

/**
 * Bounds the reads that are under way, and starts none while an event loop is too far behind. Confined to the source's
 * thread.
 */
final class ReadQueue {

    private static final Logger LOG = Logger.getLogger(ReadQueue.class);

    /** How often it is checked whether the event loop has caught up. */
    private static final Duration PAUSE = Duration.ofMillis(20);

    private final Source source;
    private final DeliveryDispatcher deliveries;
    private final int maxReads;
    private final long maxBytes;
    private final StreamMeters meters;
    private final LogThrottle failed = new LogThrottle();
    private final Queue<Runnable> live = new ArrayDeque<>();
    private final Queue<Runnable> replays = new ArrayDeque<>();
    private int reading;

    /** The size of the largest recent reply; an eighth less with each smaller one. */
    private long recentBytes = 1;

    private boolean paused;

    /**
     * Creates an empty queue.
     *
     * @param maxBytes about how many bytes the reads that are under way should have together; one read may have more
     */
    ReadQueue(Source source, DeliveryDispatcher deliveries, int maxReads, long maxBytes, StreamMeters meters) {
        this.source = source;
        this.deliveries = deliveries;
        this.maxReads = maxReads;
        this.maxBytes = maxBytes;
        this.meters = meters;
    }

    /** Queues a read of new entries, which {@link #pump} starts. */
    void add(Runnable read) {
        live.add(read);
    }

    /** Queues a read of old entries, which waits for those of new ones. */
    void addReplay(Runnable read) {
        replays.add(read);
    }

    /** Starts waiting reads, as many as may be under way. */
    void pump() {
        while (reading < maxReads() && !deliveries.paused()) {
            Runnable next = live.isEmpty() ? replays.poll() : live.poll();
            if (next == null) {
                return;
            }
            next.run();
        }
        if (deliveries.paused() && !paused) {
            paused = true;
            source.execute(
                    () -> {
                        paused = false;
                        pump();
                    },
                    PAUSE);
        }
    }

    /** Fewer if entries are so large that as many replies may not fit into the memory. */
    private long maxReads() {
        return Math.max(1, Math.min(maxReads, maxBytes / recentBytes));
    }

    /** Records the size of a reply. */
    void replied(long bytes) {
        recentBytes = Math.max(Math.max(1, bytes), recentBytes - recentBytes / 8);
    }

    /** Performs a queued read; calls one of the consumers on the source's thread. */
    <T> void perform(Uni<T> read, Consumer<T> done, Consumer<Throwable> failed) {
        reading++;
        read.subscribe()
                .with(
                        found -> source.execute(() -> {
                            meters.read();
                            end(() -> done.accept(found));
                        }),
                        failure -> source.execute(() -> {
                            log(failure);
                            end(() -> failed.accept(failure));
                        }));
    }

    private void end(Runnable task) {
        reading--;
        try {
            task.run();
        } catch (Throwable e) {
            LOG.error("Sluice failed to handle entries of a stream. Please report this bug", e);
        }
        pump();
    }

    private void log(Throwable failure) {
        meters.failed();
        long count = failed.pass();
        if (count > 0) {
            LOG.warnf(
                    "Sluice failed to read streams: %d, last reason: %s. It tries again; the next log line follows in a"
                            + " minute",
                    count, RootCause.innermost(failure));
        }
    }
}
