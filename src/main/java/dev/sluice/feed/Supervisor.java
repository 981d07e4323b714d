package dev.sluice.feed;

import java.time.Duration;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Keeps one link open until it is stopped: whatever ends a link, cleanly or not, leads to the next after a back-off.
 * Every method is to be called on one thread, the one its timer fires on; only {@link #live} may be read from others.
 */
final class Supervisor {

    private static final Logger LOG = Logger.getLogger(Supervisor.class);

    /** Runs an action later, on the supervisor's thread. */
    @FunctionalInterface
    interface Timer {
        /** Returns what cancels it. */
        Runnable after(Duration delay, Runnable action);
    }

    private final Link.Opener opener;
    private final Consumer<Publication> consumer;
    private final Runnable onInterrupted;
    private final Backoff backoff;
    private final Duration connectTimeout;
    private final Timer timer;

    private volatile boolean live;
    private boolean stopped;
    private boolean paused;
    private boolean outageLogged;
    private @Nullable Attempt attempt;
    private @Nullable Runnable retry;

    Supervisor(
            Link.Opener opener,
            Consumer<Publication> consumer,
            Runnable onInterrupted,
            Backoff backoff,
            Duration connectTimeout,
            Timer timer) {
        this.opener = opener;
        this.consumer = consumer;
        this.onInterrupted = onInterrupted;
        this.backoff = backoff;
        this.connectTimeout = connectTimeout;
        this.timer = timer;
    }

    boolean live() {
        return live;
    }

    void start() {
        connect();
    }

    void stop() {
        stopped = true;
        live = false;
        if (retry != null) {
            retry.run();
        }
        if (attempt != null) {
            attempt.abandon();
        }
    }

    /** Stops reading, or goes on; a link that is made meanwhile reads no further than its acknowledgement. */
    void pause(boolean pause) {
        paused = pause;
        if (attempt != null) {
            attempt.pause();
        }
    }

    private void connect() {
        if (!stopped) {
            attempt = new Attempt();
            attempt.open();
        }
    }

    private void down(@Nullable Throwable cause) {
        if (live) {
            live = false;
            onInterrupted.run();
        }
        Duration delay = backoff.next();
        String why = cause == null ? "the connection was closed" : cause.toString();
        if (outageLogged) {
            LOG.debugf("Redis subscription failed again: %s; next attempt in %d ms", why, delay.toMillis());
        } else {
            outageLogged = true;
            LOG.warnf("Redis subscription is not live: %s; trying until it is", why);
        }
        retry = timer.after(delay, this::connect);
    }

    private void up() {
        backoff.reset();
        live = true;
        outageLogged = false;
        LOG.info("Redis subscription is live");
    }

    private final class Attempt implements Link.Events {

        private final Runnable deadline = timer.after(connectTimeout, this::timedOut);
        private @Nullable Link link;
        private boolean acknowledged;
        private boolean over;

        void open() {
            try {
                Link opened = opener.open(this);
                link = opened;
                if (over) {
                    opened.close();
                }
            } catch (RuntimeException e) {
                ended(e);
            }
        }

        void abandon() {
            over = true;
            deadline.run();
            if (link != null) {
                link.close();
            }
        }

        void pause() {
            if (acknowledged && !over && link != null) {
                link.pause(paused);
            }
        }

        @Override
        public void subscribed() {
            if (!over) {
                acknowledged = true;
                deadline.run();
                up();
                pause();
            }
        }

        /** The acknowledgement may have come while this was on its way. */
        private void timedOut() {
            if (!acknowledged) {
                ended(new TimeoutException("not subscribed after " + connectTimeout));
            }
        }

        @Override
        public void published(Publication publication) {
            // What an abandoned link still says would be heard twice.
            if (!over) {
                consumer.accept(publication);
            }
        }

        @Override
        public void ended(@Nullable Throwable cause) {
            if (!over) {
                abandon();
                down(cause);
            }
        }
    }
}
