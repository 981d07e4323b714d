package dev.sluice.bench.attack;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/** What attackers have done, and what they were told for it. For several threads. */
final class Tally {

    /** What newcomers are told: that they are in, or the end before they are. */
    static final String WELCOME = "welcome";

    static final String TURNED_AWAY = "turned-away";

    private final LongAdder done = new LongAdder();
    private final Map<String, LongAdder> answers = new ConcurrentHashMap<>();

    void did(int howMany) {
        done.add(howMany);
    }

    /** Somebody was answered: with a status of HTTP, or the code of a close. */
    void answered(int code) {
        answered(Integer.toString(code));
    }

    void answered(String answer) {
        answers.computeIfAbsent(answer, first -> new LongAdder()).increment();
    }

    long done() {
        return done.sum();
    }

    Map<String, Long> answers() {
        Map<String, Long> sums = new TreeMap<>();
        answers.forEach((answer, count) -> sums.put(answer, count.sum()));
        return sums;
    }
}
