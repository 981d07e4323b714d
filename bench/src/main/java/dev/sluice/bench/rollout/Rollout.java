package dev.sluice.bench.rollout;

import dev.sluice.bench.account.Books;
import dev.sluice.bench.process.Check;
import dev.sluice.bench.process.Waiting;
import dev.sluice.bench.report.Machine;
import dev.sluice.bench.rollout.Rollout.Update.Replacement;
import dev.sluice.bench.rollout.RolloutPage.UpdateFinding;
import dev.sluice.bench.site.Replica;
import dev.sluice.bench.site.Site;
import dev.sluice.bench.site.Site.Plan;
import dev.sluice.bench.traffic.Load;
import dev.sluice.bench.traffic.Protocol.SluiceProtocol;
import dev.sluice.bench.traffic.Traffic;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Rehearses a rolling update with clients, and writes what they notice. bench/rollout starts it. */
@Command(
        name = "bench/rollout",
        description = {
            "Replaces pods behind a balancer one by one, as a Deployment does, while 2,000 clients listen, and writes docs/rollout.md in about"
                    + " two minutes. Needs HAProxy.",
            "Fails if a client lost something, got something twice or out of order, or saw any error: anything but a close with 1012."
        })
public final class Rollout extends Check {

    private static final int FULL_PODS = 3;
    private static final int QUICK_PODS = 2;

    /** What new processes and newly come clients cost belongs to neither before nor meanwhile. */
    private static final Duration WARM_UP = Duration.ofSeconds(10);

    private static final Duration CALM = Duration.ofSeconds(5);

    /** For how long publications flow after everybody is back. */
    private static final Duration AFTERMATH = Duration.ofSeconds(3);

    @Option(
            names = "--pods",
            paramLabel = "N",
            description = "how many pods (default: 3); with fewer, the results go to bench/target")
    private Integer pods;

    public Rollout() {
        super(2000, 200, 5000);
    }

    public static void main(String[] arguments) {
        start(new Rollout(), arguments);
    }

    @Override
    protected void validate() {
        super.validate();
        pods = number("--pods", pods, 1, 10, quick ? QUICK_PODS : FULL_PODS);
    }

    @Override
    protected boolean run() throws IOException {
        Machine machine = Machine.here(root(), List.of());
        System.out.printf("replacing %d pods under %,d clients%n", pods, clients());
        Optional<UpdateFinding> finding = attempt("update", this::rehearse);
        if (finding.isPresent()) {
            String page = new RolloutPage(machine, seed, pods, clients(), finding.get()).markdown();
            Path file = write("docs/rollout.md", page, pods >= FULL_PODS);
            System.out.println((isClean() ? "nobody was hurt: " : "IT IS NOT WELL: ") + file);
        }
        return isClean();
    }

    /** Replaces the pods while publications flow, and audits the clients. */
    private UpdateFinding rehearse(Path logs) {
        try (Site site = Site.start(Update.plan(pods), jar(), logs);
                Traffic traffic = new Traffic(
                        Load.crowd(clients()),
                        List.of(SluiceProtocol.V2),
                        site.entrance(),
                        site::redisAddress,
                        new Random(seed))) {
            traffic.open();
            traffic.publish();
            Waiting.sleep(WARM_UP);
            long calm = Books.now();
            Waiting.sleep(CALM);
            int surprisesBefore = traffic.surprises().size();
            long begin = Books.now();
            List<Replacement> replacements = new Update(site).run();
            long end = Books.now();
            Waiting.until("everybody", traffic::isEverybodySubscribed);
            Waiting.sleep(AFTERMATH);
            traffic.finish();
            List<String> surprises = traffic.surprises();
            List<String> surprisesMeanwhile = surprises.subList(surprisesBefore, surprises.size());
            return traffic.books(books -> new UpdateFinding(
                    replacements,
                    books.publications(),
                    books.audit(true),
                    books.absences(begin, Books.now()),
                    books.latencies(calm, begin),
                    books.latencies(begin, end),
                    surprisesMeanwhile));
        }
    }

    /**
     * Replaces all pods of a site, one by one, as a Deployment with {@code maxSurge: 1} and {@code maxUnavailable: 0} does: once
     * a new one has been ready for a while, an old one is asked to go, and the next new one is started without waiting until
     * that has happened.
     */
    public static final class Update {

        /** As k8s/base has it. */
        public static final Duration DRAIN_DELAY = Duration.ofSeconds(5);

        /** The default. */
        public static final Duration DRAIN_PERIOD = Duration.ofSeconds(10);

        /** What a Deployment calls {@code minReadySeconds}. */
        public static final Duration MIN_READY = Duration.ofSeconds(10);

        private final Site site;

        public Update(Site site) {
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
                            DRAIN_PERIOD.toSeconds() + "s"));
        }

        /** Returns once the last of the old ones is gone. */
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
}
