package dev.sluice.bench.account;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** The result of an audit. */
public final class Balance {

    /** What became of a publication at a client that should have got it. */
    public enum Fate {
        DELIVERED,
        /** Lost in a gap of which the client was told. */
        IN_GAP,
        /** Lost while the client had no subscription. */
        DISCONNECTED,
        /** Skipped for a slow client, and counted in its {@code missed} message. */
        MISSED,
        /** Redis lost the entry of a stream after it had confirmed it. */
        FORGOTTEN,
        /** Redis did not answer whether it was published. */
        UNCERTAIN,
        /** Lost without a signal. */
        UNSIGNALLED
    }

    /** What must not happen. */
    public enum Breach {
        UNSIGNALLED,
        DUPLICATED,
        REORDERED,
        /** A {@code missed} message counted too many. */
        MISCOUNTED,
        /** The client was not told that a gap is over. */
        UNCLOSED
    }

    private static final int MOST_EXAMPLES = 20;
    private static final int MOST_LOSSES = 5;

    private final Map<Fate, Long> fates = new EnumMap<>(Fate.class);
    private final Map<Breach, Long> breaches = new EnumMap<>(Breach.class);
    private final List<String> examples = new ArrayList<>();
    private final List<String> losses = new ArrayList<>();
    private final Map<Boolean, Long> answers = new HashMap<>();
    private long resumed;
    private long repeated;

    void add(Fate fate) {
        fates.merge(fate, 1L, Long::sum);
    }

    void blame(Breach breach, String evidence) {
        breaches.merge(breach, 1L, Long::sum);
        if (examples.size() < MOST_EXAMPLES) {
            examples.add(breach + ": " + evidence);
        }
    }

    /** A loss with a signal. */
    void lose(Fate fate, Supplier<String> evidence) {
        if (losses.size() < MOST_LOSSES) {
            losses.add(fate + ": " + evidence.get());
        }
    }

    void answer(boolean recovered) {
        answers.merge(recovered, 1L, Long::sum);
    }

    void resume(long howMany) {
        resumed += howMany;
    }

    void repeat(int howMany) {
        repeated += howMany;
    }

    /** How many requests to resume a channel the server answered so. */
    public long countAnswers(boolean recovered) {
        return answers.getOrDefault(recovered, 0L);
    }

    /** How many deliveries came after a client resumed that it had missed. */
    public long countResumed() {
        return resumed;
    }

    /** How many publications came again to a client that resumed, and were dropped. */
    public long countRepeated() {
        return repeated;
    }

    public long count(Fate... of) {
        long sum = 0;
        for (Fate fate : of) {
            sum += fates.getOrDefault(fate, 0L);
        }
        return sum;
    }

    public long count(Breach breach) {
        return breaches.getOrDefault(breach, 0L);
    }

    /** The number of deliveries that were due. */
    public long expected() {
        return count(Fate.DELIVERED, Fate.IN_GAP, Fate.DISCONNECTED, Fate.MISSED, Fate.UNSIGNALLED);
    }

    /** The number of deliveries that did not come, with or without a signal. */
    public long lost() {
        return expected() - count(Fate.DELIVERED);
    }

    /** The deliveries by what became of them, and the breaches. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(
                "%,d expected, %,d delivered, %,d in gap, %,d disconnected, %,d missed, %,d uncertain,"
                        .concat(" %,d lost by Redis")
                        .formatted(
                                expected(),
                                count(Fate.DELIVERED),
                                count(Fate.IN_GAP),
                                count(Fate.DISCONNECTED),
                                count(Fate.MISSED),
                                count(Fate.UNCERTAIN),
                                count(Fate.FORGOTTEN)));
        breaches.forEach((breach, count) -> text.append(", %,d %s".formatted(count, breach)));
        return text.toString();
    }

    public boolean isClean() {
        return breaches.isEmpty();
    }

    /** Some of the breaches, with evidence. */
    public List<String> examples() {
        return List.copyOf(examples);
    }

    /** Some of the losses with a signal, with evidence. */
    public List<String> losses() {
        return List.copyOf(losses);
    }
}
