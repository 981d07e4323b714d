package dev.sluice.stream;

import dev.sluice.clock.EntryId;
import dev.sluice.route.Channel;
import java.util.ArrayList;
import java.util.List;

/**
 * How far the stream of a channel has been read, and whether entries may have been lost before they were read. Redis
 * removes the oldest entries first, so nothing is lost as long as the stream has the last entry that was read. If it
 * does not have it, each notification of an entry must have its entry. Confined to the source's thread.
 */
final class Cursor {

    final Channel channel;

    /** The consumers that wait until the cursor stands. */
    final List<StreamReader.Join> joins = new ArrayList<>();

    final ReadSize size = new ReadSize();

    /** Whether a read is waiting or under way, or will be repeated after a failure. */
    boolean busy;

    /** Whether the stream may have entries that the read under way does not see. */
    boolean due;

    /** The number of failed reads in a row. */
    int failures;

    private EntryId last = EntryId.ZERO;
    private boolean standing;
    private boolean disturbed;
    private int disturbances;

    /** The entries of which Redis has told. */
    private long heard;

    /** The entries that have been read, or are known to be up to the last one. */
    private long accounted;

    /**
     * Whether entries may be missing of which Redis has not told yet. From then on, each entry that is read is counted
     * against a notification, which may come later than the entry.
     */
    private boolean unproven;

    Cursor(Channel channel) {
        this.channel = channel;
    }

    /** Begins after the entry, {@link EntryId#ZERO} if the stream has none. */
    void stand(EntryId newest) {
        last = newest;
        standing = true;
        due |= disturbed;
    }

    boolean isStanding() {
        return standing;
    }

    /** Everything up to the entry has been read. */
    EntryId last() {
        return last;
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
     * @param found the entries after the last one
     * @param connected whether the stream still has the last one
     * @param whole whether there are no more
     * @param heardBefore what had been heard when the read began
     * @return whether entries may be lost that were added before the found ones
     */
    boolean advance(List<Entry> found, boolean connected, boolean whole, long heardBefore) {
        accounted += found.size();
        boolean nothing = last.equals(EntryId.ZERO) && found.isEmpty();
        boolean lost = !connected && disturbed && (!nothing || heardBefore > accounted);
        boolean doubt = unproven;
        unproven |= !connected;
        if (disturbed) {
            lost |= doubt;
            // Notifications of what was read may be missing, so the count starts anew.
            accounted = heardBefore;
            unproven = false;
        } else if (whole && heardBefore > accounted) {
            // Before that, Redis may have told of entries that only later reads find.
            lost |= unproven;
            accounted = heardBefore;
            unproven = false;
        }
        if (!found.isEmpty()) {
            last = found.get(found.size() - 1).id();
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
        boolean lost = disturbed || heardBefore > accounted || !newest.equals(EntryId.ZERO);
        accounted = Math.max(accounted, heardBefore);
        unproven = false;
        last = newest;
        return lost;
    }
}
