package dev.sluice.console;

import java.util.ArrayList;
import java.util.List;

/** Keeps the newest elements, up to a fixed number. Thread-safe. */
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

    /** Returns how many elements were ever added. */
    synchronized long added() {
        return added;
    }

    /** Returns the elements with these sequence numbers, oldest first, without those that were replaced. */
    synchronized List<T> between(long from, long to) {
        List<T> found = new ArrayList<>();
        for (long number = Math.max(from, added - slots.size()); number < to; number++) {
            found.add(slots.get((int) (number % size)));
        }
        return found;
    }
}
