package dev.sluice.trace;

import dev.sluice.outbox.Disconnect;
import java.time.Instant;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What became of a publication for one connection, as far as it can be known afterwards. */
enum Outcome {
    /** It was passed to the connection; bytes that the client has not taken may still be waiting. */
    SENT,
    /** It is waiting for the connection or its event loop. */
    WAITING,
    /** A newer publication of the channel replaced it, because the client was too slow. */
    REPLACED,
    /** It was passed to the connection, or replaced because the client was too slow. */
    MAYBE_REPLACED,
    /** It was passed to the connection, which ended later for a reason with which waiting data is lost. */
    MAYBE_LOST,
    /** The connection subscribed later. A client that resumed then may have got it from the history. */
    SUBSCRIBED_LATER,
    /** The connection was not subscribed. */
    NOT_SUBSCRIBED,
    /** The connection's token does not allow the channel. */
    NOT_ALLOWED,
    /** The connection began later, or had ended. */
    NOT_CONNECTED,
    /** Not known: it came at the moment of the subscription, or the event loop did not answer. */
    UNKNOWN;

    /** Times of this pod's clocks differ by less. */
    private static final long SAME_MOMENT_MILLIS = 50;

    private static final Set<Disconnect> LOSING = Set.of(
            Disconnect.CONNECTION_LOST,
            Disconnect.CONNECTION_RESET,
            Disconnect.PEER_SILENT,
            Disconnect.OUTBOX_FULL,
            Disconnect.STALLED,
            Disconnect.SEND_FAILED,
            Disconnect.INTERNAL_ERROR);

    /**
     * A connection.
     *
     * @param until when it ended; {@code null} if it has not
     * @param reason why it ended
     * @param subscribed since when it is subscribed to the channel; {@code null} if it is not
     * @param allSubscriptions whether it is known that it is not subscribed
     * @param allowed whether its token allows the channel
     * @param progress how far it got; {@code null} if it has ended or is not known
     * @param latest whether the route lets slow clients skip publications
     */
    record View(
            Instant since,
            @Nullable Instant until,
            @Nullable Disconnect reason,
            @Nullable Instant subscribed,
            boolean allSubscriptions,
            boolean allowed,
            @Nullable Progress progress,
            boolean latest) {}

    /**
     * How far a connection got on the channel.
     *
     * @param received see {@link dev.sluice.registry.Registry#received}
     * @param held the publication that is held back; 0 if there is none
     * @param replaced how many before it were dropped
     * @param lastReplacing the newest publication that replaced another one
     */
    record Progress(long received, long held, int replaced, long lastReplacing) {}

    /**
     * Returns the outcome.
     *
     * @param sequence the publication's
     * @param at when this pod received it
     * @param beforeHeld how many publications of the channel are between it and the held one
     */
    static Outcome of(View view, long sequence, Instant at, int beforeHeld) {
        if (at.isBefore(view.since) || (view.until != null && at.isAfter(view.until))) {
            return NOT_CONNECTED;
        }
        if (!view.allowed) {
            return NOT_ALLOWED;
        }
        if (view.subscribed == null) {
            return view.allSubscriptions ? NOT_SUBSCRIBED : UNKNOWN;
        }
        if (view.until != null) {
            return at.isBefore(view.subscribed)
                    ? SUBSCRIBED_LATER
                    : LOSING.contains(view.reason) ? MAYBE_LOST : view.latest ? MAYBE_REPLACED : SENT;
        }
        return view.progress == null ? UNKNOWN : of(view, view.progress, sequence, at, beforeHeld);
    }

    private static Outcome of(View view, Progress progress, long sequence, Instant at, int beforeHeld) {
        long millis =
                at.toEpochMilli() - Objects.requireNonNull(view.subscribed).toEpochMilli();
        if (millis < -SAME_MOMENT_MILLIS) {
            return SUBSCRIBED_LATER;
        }
        if (sequence > progress.received) {
            return millis <= SAME_MOMENT_MILLIS ? UNKNOWN : WAITING;
        }
        if (millis <= SAME_MOMENT_MILLIS && millis <= 0) {
            return UNKNOWN;
        }
        if (sequence == progress.held) {
            return WAITING;
        }
        if (sequence < progress.held && beforeHeld < progress.replaced) {
            return REPLACED;
        }
        return view.latest && sequence < progress.lastReplacing ? MAYBE_REPLACED : SENT;
    }

    /** The name in answers. */
    String tag() {
        return name().toLowerCase(Locale.ROOT);
    }
}
