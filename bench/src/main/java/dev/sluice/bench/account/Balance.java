package dev.sluice.bench.account;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** How an audit came out. */
public final class Balance {

    /** What became of a publication at a client that should have heard it. */
    public enum Fate {
        DELIVERED,
        /** Lost in a stretch of time the client was told of. */
        IN_GAP,
        /** Lost while the client had no subscription that lived. */
        DISCONNECTED,
        /** Passed over, and counted to the client. */
        MISSED,
        /** Redis never said whether it was published. */
        UNCERTAIN,
        /** Lost, and the client can't know. */
        UNSIGNALLED
    }

    /** What must not be. */
    public enum Breach {
        UNSIGNALLED,
        DUPLICATED,
        REORDERED,
        /** More were counted as missed than were missing. */
        MISCOUNTED,
        /** A gap is said to last though it is over. */
        UNCLOSED
    }

    private static final int MOST_EXAMPLES = 20;

    private final Map<Fate, Long> fates = new EnumMap<>(Fate.class);
    private final Map<Breach, Long> breaches = new EnumMap<>(Breach.class);
    private final List<String> examples = new ArrayList<>();
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

    void answer(boolean recovered) {
        answers.merge(recovered, 1L, Long::sum);
    }

    void resume(long howMany) {
        resumed += howMany;
    }

    void repeat(int howMany) {
        repeated += howMany;
    }

    /** How often the server answered a wish to resume a channel so. */
    public long countAnswers(boolean recovered) {
        return answers.getOrDefault(recovered, 0L);
    }

    /** How many of the delivered ones came late, to a client that resumed. */
    public long countResumed() {
        return resumed;
    }

    /** How many came again to a client that resumed, which dropped them. */
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

    /** All that are certain: each has one of the fates. */
    public long expected() {
        return count(Fate.DELIVERED, Fate.IN_GAP, Fate.DISCONNECTED, Fate.MISSED, Fate.UNSIGNALLED);
    }

    /** All that did not come, signalled or not. */
    public long lost() {
        return expected() - count(Fate.DELIVERED);
    }

    /** The deliveries by what became of them, and the breaches. */
    @Override
    public String toString() {
        StringBuilder text =
                new StringBuilder("%,d expected, %,d delivered, %,d in gap, %,d disconnected, %,d missed, %,d uncertain"
                        .formatted(
                                expected(),
                                count(Fate.DELIVERED),
                                count(Fate.IN_GAP),
                                count(Fate.DISCONNECTED),
                                count(Fate.MISSED),
                                count(Fate.UNCERTAIN)));
        breaches.forEach((breach, count) -> text.append(", %,d %s".formatted(count, breach)));
        return text.toString();
    }

    public boolean isClean() {
        return breaches.isEmpty();
    }

    /** Some of what must not be, with what is known of it. */
    public List<String> examples() {
        return List.copyOf(examples);
    }
}
