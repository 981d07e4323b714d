package dev.sluice.fleet;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** The other pods, as far as they have told of themselves. Thread-safe. */
final class Members {

    /** How often a pod tells of itself. */
    static final long INTERVAL_MILLIS = 10_000;

    /** A pod that was heard within this time is believed to exist. */
    static final long RECENT_NANOS = TimeUnit.MILLISECONDS.toNanos(3 * INTERVAL_MILLIS);

    /** A pod that is silent for longer is forgotten. */
    static final long KEPT_NANOS = TimeUnit.MINUTES.toNanos(10);

    /** More pods than a fleet has; further ones are counted, but not named. */
    static final int MAX = 1_000;

    private record Known(Member member, long heardAt) {}

    private final Map<String, Known> known = new HashMap<>();
    private final LongSupplier nanoTime;

    Members(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /** A pod has told of itself; ignores what is older than what is known. */
    synchronized void heard(String id, Member member) {
        forgetOld();
        Known before = known.get(id);
        if (before == null ? known.size() < MAX : before.member.told().isBefore(member.told())) {
            known.put(id, new Known(member, nanoTime.getAsLong()));
        }
    }

    /** A pod has said that it stops. */
    synchronized void left(String id) {
        known.remove(id);
    }

    /**
     * Returns which pods are missing.
     *
     * @param answered the names of the pods that answered, by id
     * @param subscribers how many of these are among the receivers: those whose answer came through Redis
     * @param receivers the number of subscribers to which Redis sent the question; {@code null} if it is not known
     * @param counted whether Redis counts all subscribers: a node of a Redis Cluster counts only its own
     */
    synchronized Pods pods(Map<String, String> answered, int subscribers, @Nullable Long receivers, boolean counted) {
        forgetOld();
        List<String> recent = names(answered.keySet(), true);
        List<String> names = answered.values().stream().sorted().toList();
        if (receivers == null || !counted) {
            return new Pods(receivers != null && recent.isEmpty(), names, recent, 0);
        }
        int missing = (int) Math.max(0, receivers - subscribers);
        if (missing == 0) {
            return new Pods(true, names, List.of(), 0);
        }
        // Those that were heard recently first; the others only if there must be more.
        List<String> all = new ArrayList<>(recent);
        for (String silent : names(answered.keySet(), false)) {
            if (all.size() < missing) {
                all.add(silent);
            }
        }
        return new Pods(false, names, all, Math.max(0, missing - all.size()));
    }

    /** Whether every pod that was heard recently has answered. */
    synchronized boolean allRecent(Collection<String> answered) {
        long now = nanoTime.getAsLong();
        return known.entrySet().stream()
                .allMatch(entry -> answered.contains(entry.getKey()) || !isRecent(entry.getValue(), now));
    }

    /** Returns all known pods, by name. */
    synchronized List<SeenMember> all() {
        forgetOld();
        long now = nanoTime.getAsLong();
        return known.values().stream()
                .map(one -> new SeenMember(one.member, TimeUnit.NANOSECONDS.toMillis(now - one.heardAt)))
                .sorted(Comparator.comparing(seen -> seen.member().pod()))
                .toList();
    }

    /** Returns the names of the pods that have not answered, the last heard first. */
    private List<String> names(Set<String> answered, boolean recent) {
        long now = nanoTime.getAsLong();
        return known.entrySet().stream()
                .filter(entry -> !answered.contains(entry.getKey()) && isRecent(entry.getValue(), now) == recent)
                .map(Map.Entry::getValue)
                .sorted(Comparator.comparingLong(one -> now - one.heardAt))
                .map(one -> one.member.pod())
                .toList();
    }

    private static boolean isRecent(Known one, long now) {
        return now - one.heardAt <= RECENT_NANOS;
    }

    private void forgetOld() {
        long now = nanoTime.getAsLong();
        known.values().removeIf(one -> now - one.heardAt > KEPT_NANOS);
    }
}
