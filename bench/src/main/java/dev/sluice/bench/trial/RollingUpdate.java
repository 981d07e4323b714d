package dev.sluice.bench.trial;

import dev.sluice.bench.trial.Site.Plan;
import dev.sluice.bench.trial.Site.Replica;
import dev.sluice.harness.Waiting;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * Replaces all pods of a site, one by one, as a Deployment with {@code maxSurge: 1} and {@code maxUnavailable: 0} does: once
 * a new one has been ready for a while, an old one is asked to go, and the next new one is started without waiting until
 * that has happened.
 */
public final class RollingUpdate {

    /** As k8s/base has it. */
    public static final Duration DRAIN_DELAY = Duration.ofSeconds(5);

    /** The default. */
    public static final Duration DRAIN_PERIOD = Duration.ofSeconds(10);

    /** What a Deployment calls {@code minReadySeconds}. */
    public static final Duration MIN_READY = Duration.ofSeconds(10);

    private final Site site;

    public RollingUpdate(Site site) {
        this.site = site;
    }

    public static Plan plan(int pods) {
        return new Plan(
                pods,
                pods,
                Map.of(
                        "SLUICE_DRAIN_DELAY",
                        DRAIN_DELAY.toSeconds() + "s",
                        "SLUICE_DRAIN_PERIOD",
                        DRAIN_PERIOD.toSeconds() + "s",
                        "SLUICE_CONTROL_SECRET",
                        "the pods of the benchmark share this one",
                        "SLUICE_ROUTES_ROOM_AUDIENCE",
                        "subscribers",
                        "SLUICE_ROUTES_ROOM_ACCESS",
                        "open",
                        "SLUICE_ROUTES_ROOM_PRESENCE",
                        "true"));
    }

    /** Returns when the last old pod has exited. */
    public List<Replacement> run() {
        List<CompletableFuture<Replacement>> replacements = new ArrayList<>();
        for (int i = 0; i < site.pods().size(); i++) {
            replacements.add(replace(site.pods().get(i), site.spares().get(i)));
        }
        return replacements.stream().map(CompletableFuture::join).toList();
    }

    private static CompletableFuture<Replacement> replace(Replica old, Replica fresh) {
        Duration ready = time(fresh::start);
        Waiting.sleep(MIN_READY);
        return CompletableFuture.supplyAsync(
                () -> new Replacement(old.name(), fresh.name(), ready, time(old::terminate)),
                task -> new Thread(task, "end of " + old.name()).start());
    }

    private static Duration time(Runnable action) {
        long begin = System.nanoTime();
        action.run();
        return Duration.ofNanos(System.nanoTime() - begin);
    }

    /**
     * One pod for another.
     *
     * @param ready from the start of the new one until it was
     * @param gone from SIGTERM until the old one was
     */
    public record Replacement(String oldPod, String newPod, Duration ready, Duration gone) {}
}
