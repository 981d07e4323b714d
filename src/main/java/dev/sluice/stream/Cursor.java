package dev.sluice.stream;

import dev.sluice.clock.EntryId;
import dev.sluice.route.Channel;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How far the stream of a channel has been read, and whether entries may have been lost before they were read. Redis
 * removes the oldest entries first, so nothing is lost as long as the stream has the last entry that was read. If it
 * does not have it, or if it had no entry at all, the entries are counted:
 *
 * <p>Redis tells of each entry once, in the order in which it executes commands. The surplus of a moment is the number
 * of entries of which it has told by then, heard or on their way, less the entries that reads have found by then. While
 * nothing is lost, it is the same after each read: the number of entries that were added before the cursor was set, and
 * of which Redis told after the cursor began to listen. Each entry that no read finds raises it by one. A read that
 * found all there was bounds it from below: what had been heard when the read began had been told by then. A beat that
 * was published after a read bounds the surplus of that read from above: when the beat is heard, everything has been
 * heard that Redis told before it. So after a read that may have lost entries,
 *
 * <ul>
 *   <li>nothing is lost if the upper bound is at most the lower bound from before;
 *   <li>something is lost if the lower bound is above the upper bound from before, and may be lost if both bounds are
 *       equal but above the lower bound from before;
 *   <li>otherwise the doubt stays until the next read or beat.
 * </ul>
 *
 * <p>If notifications may be missing, the counts prove nothing, and a doubt becomes a loss. Confined to the source's
 * thread.
 */
final class Cursor {

    final Channel channel;

    /** The consumers that wait until the cursor is set. */
    final List<StreamReader.Join> joins = new ArrayList<>();

    final ReadSize size = new ReadSize();

    /** Whether a read is waiting or under way, or will be repeated after a failure. */
    boolean busy;

    /** Whether the stream may have entries that the read under way does not see. */
    boolean due;

    /** The number of failed reads in a row. */
    int failures;

    private EntryId last = EntryId.ZERO;
    private EntryId undoubted = EntryId.ZERO;
    private boolean standing;
    private boolean disturbed;
    private int disturbances;

    /** The entries of which Redis has told. */
    private long heard;

    /** The entries that reads have found. */
    private long found;

    private Surplus surplus = new Surplus(0);

    /** The surplus after entries may have been lost; {@code null} if that is not in doubt. */
    private @Nullable Surplus doubt;

    /** What had been found when a beat was published that has not been heard yet; -1 without one. */
    private long marked = UNMARKED;

    private static final long UNMARKED = -1;

    /** Bounds of a surplus. */
    private static final class Surplus {
        private long least;
        private long most = Long.MAX_VALUE;

        Surplus(long least) {
            this.least = least;
        }

        boolean isExact() {
            return least == most;
        }
    }

    Cursor(Channel channel) {
        this.channel = channel;
    }

    /**
     * Begins after the entry, {@link EntryId#ZERO} if the stream has none.
     *
     * @param heardBefore what had been heard when the read of that entry began
     */
    void stand(EntryId newest, long heardBefore) {
        last = newest;
        undoubted = newest;
        standing = true;
        due |= disturbed;
        surplus = new Surplus(heardBefore);
    }

    boolean isStanding() {
        return standing;
    }

    /** Everything up to the entry has been read. */
    EntryId last() {
        return last;
    }

    /** No entry is lost up to this one, or a loss before it has been reported. */
    EntryId undoubted() {
        return undoubted;
    }

    long heard() {
        return heard;
    }

    /** Redis tells of an entry. */
    void hear() {
        heard++;
    }

    /** Notifications may be missing, or the stream may be another one. */
    void disturb() {
        disturbed = true;
        disturbances++;
        marked = UNMARKED;
    }

    /** The number of calls of {@link #disturb}. */
    int disturbances() {
        return disturbances;
    }

    /** A read is done that began after so many disturbances. */
    void calm(int before) {
        if (before == disturbances) {
            disturbed = false;
        }
    }

    /**
     * Records the result of a read.
     *
     * @param entries the entries after the last one
     * @param connected whether the stream still has the last one
     * @param whole whether there are no more
     * @param heardBefore what had been heard when the read began
     * @return whether entries may be lost that were added before these
     */
    boolean advance(List<Entry> entries, boolean connected, boolean whole, long heardBefore) {
        if (doubt == null) {
            undoubted = last;
        }
        found += entries.size();
        boolean lost;
        if (disturbed) {
            boolean nothing = last.equals(EntryId.ZERO) && entries.isEmpty();
            lost = doubt != null || (!connected && (!nothing || heardBefore - found > surplus.least));
            countAnew(heardBefore - found);
        } else {
            if (!connected) {
                disconnect();
            }
            lost = bound(whole ? heardBefore - found : Long.MIN_VALUE);
        }
        if (!entries.isEmpty()) {
            last = entries.get(entries.size() - 1).id();
        }
        return lost;
    }

    /**
     * Records that the stream has no entry from the last one on, only older ones or none.
     *
     * @param newest {@link EntryId#ZERO} if it has none
     * @return whether entries may be lost
     */
    boolean restart(EntryId newest, long heardBefore) {
        if (doubt == null) {
            undoubted = last;
        }
        boolean replaced = disturbed || !newest.equals(EntryId.ZERO);
        last = newest;
        if (replaced) {
            countAnew(heardBefore - found);
            return true;
        }
        disconnect();
        return bound(heardBefore - found);
    }

    /** Whether a beat may tell more about what was lost. */
    boolean needsBeat() {
        return standing && !(doubt == null ? surplus : doubt).isExact();
    }

    /** A beat is about to be published. */
    void mark() {
        marked = standing && !disturbed ? found : UNMARKED;
    }

    /** The beat that followed the mark has been heard; returns whether entries may be lost. */
    boolean beat() {
        if (marked == UNMARKED) {
            return false;
        }
        Surplus current = doubt == null ? surplus : doubt;
        current.most = Math.min(current.most, heard - marked);
        marked = UNMARKED;
        if (current.most < current.least) {
            // Entries were found of which Redis has not told.
            boolean doubted = doubt != null;
            countAnew(heard - found);
            return doubted;
        }
        return decide();
    }

    private void disconnect() {
        marked = UNMARKED;
        doubt = new Surplus(doubt == null ? surplus.least : doubt.least);
    }

    private boolean bound(long least) {
        Surplus current = doubt == null ? surplus : doubt;
        current.least = Math.max(current.least, least);
        return decide();
    }

    private boolean decide() {
        if (doubt == null) {
            return false;
        }
        boolean whole = doubt.most <= surplus.least;
        boolean lost = !whole && (doubt.least > surplus.most || doubt.isExact());
        if (whole || lost) {
            surplus = doubt;
            doubt = null;
        }
        return lost;
    }

    private void countAnew(long least) {
        surplus = new Surplus(least);
        doubt = null;
        marked = UNMARKED;
    }
}
