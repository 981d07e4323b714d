package dev.sluice.feed;

import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Which masters of a Redis Cluster a subscription to one node is known to hear, and since when each other may have
 * published without being heard. Survives the replacement of the connections that publish beats. Confined to the feed's
 * thread.
 */
final class MasterWatch {

    private final Consumer<Instant> onMissed;
    private final EchoCount echoes = new EchoCount();

    /** The addresses of those whose beats are heard. */
    private final Set<String> heard = new HashSet<>();

    /** By address of the others. */
    private final Map<String, Instant> unheardSince = new HashMap<>();

    /** Those to which the last attempt to connect has failed. */
    private final Set<String> unreached = new HashSet<>();

    /**
     * Those that can be reached again. They may have started again, and a node that starts drops publications until it is connected to the
     * others.
     */
    private final Set<String> back = new HashSet<>();

    /** When the subscription's node was asked for the masters for the last time that it answered. */
    private @Nullable Instant asked;

    /** Whether the connection that ended last was to another node, and no whole beat has been heard since. */
    private boolean otherEnded;

    /** @param onMissed called with the start of a loss that is over */
    MasterWatch(Consumer<Instant> onMissed) {
        this.onMissed = onMissed;
    }

    /**
     * The subscription's node has told of all masters.
     *
     * @param at when it was asked
     */
    void told(Collection<String> masters, Instant at) {
        Instant before = asked;
        for (String master : masters) {
            if (!heard.contains(master)) {
                unheardSince.putIfAbsent(master, before == null ? at : before);
            }
        }
        asked = before == null || before.isBefore(at) ? at : before;
        heard.retainAll(masters);
        for (String gone : List.copyOf(unreached)) {
            if (!masters.contains(gone)) {
                unreached.remove(gone);
                unheardSince.remove(gone);
            }
        }
    }

    /** Whether its beats are heard, on whichever connection. */
    boolean hears(String master) {
        return heard.contains(master);
    }

    /** A connection is made. */
    void reached(String master) {
        if (unreached.remove(master)) {
            back.add(master);
        }
    }

    /** A connection can't be made. A master that is new may have died with publications. */
    void unreached(String master) {
        Instant since = unheardSince.get(master);
        if (unreached.add(master) && since != null) {
            onMissed.accept(since);
        }
    }

    /** A connection that had been made has ended. */
    void ended(boolean own) {
        otherEnded = !own;
    }

    /** See {@link EchoCount#await}. */
    void await(long number, List<String> masters) {
        echoes.await(number, masters);
    }

    /** See {@link EchoCount#confirmed}. */
    void confirmed(long code) {
        echoes.confirmed(code);
    }

    /** Whether a beat has been heard from all that publish it, with this copy. */
    boolean heard(long code) {
        List<String> masters = echoes.heard(code);
        if (masters == null) {
            return false;
        }
        otherEnded = false;
        Instant missed = null;
        for (String master : masters) {
            heard.add(master);
            Instant since = unheardSince.remove(master);
            if (back.remove(master) && since != null) {
                missed = missed == null ? since : earlier(missed, since);
            }
        }
        if (missed != null) {
            onMissed.accept(missed);
        }
        return true;
    }

    /** Returns until when all masters were heard. */
    Instant heardUntil(Instant lastBeat) {
        Instant until = asked == null ? lastBeat : earlier(asked, lastBeat);
        for (Instant since : unheardSince.values()) {
            until = earlier(until, since);
        }
        return until;
    }

    /** Whether the subscription fails because of another node than its own. */
    boolean othersFail() {
        return otherEnded || echoes.othersHang();
    }

    private static Instant earlier(Instant one, Instant other) {
        return one.isBefore(other) ? one : other;
    }
}
