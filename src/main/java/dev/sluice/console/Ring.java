package dev.sluice.console;

import java.util.ArrayList;
import java.util.List;

/** The last so many of something. Safe for use by several threads. */
final class Ring<T> {

    private final List<T> slots = new ArrayList<>();
    private final int size;
    private long added;

    Ring(int size) {
        this.size = size;
    }

    synchronized void add(T one) {
        if (slots.size() < size) {
            slots.add(one);
        } else {
            slots.set((int) (added % size), one);
        }
        added++;
    }

    /** How many have ever been added. */
    synchronized long added() {
        return added;
    }

    /** Those from one number on, before another, the oldest first, as far as they are still there. */
    synchronized List<T> between(long from, long to) {
        List<T> found = new ArrayList<>();
        for (long number = Math.max(from, added - slots.size()); number < to; number++) {
            found.add(slots.get((int) (number % size)));
        }
        return found;
    }
}
