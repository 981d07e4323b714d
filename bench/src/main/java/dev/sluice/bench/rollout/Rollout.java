package dev.sluice.bench.rollout;

import dev.sluice.bench.account.Balance.Fate;
import dev.sluice.bench.account.Time;
import dev.sluice.bench.process.Program;
import dev.sluice.bench.process.Waiting;
import dev.sluice.bench.report.Machine;
import dev.sluice.bench.report.Markdown;
import dev.sluice.bench.rollout.RolloutPage.Outcome;
import dev.sluice.bench.site.Site;
import dev.sluice.bench.site.Update;
import dev.sluice.bench.site.Update.Replacement;
import dev.sluice.bench.traffic.Load;
import dev.sluice.bench.traffic.Protocol.SluiceProtocol;
import dev.sluice.bench.traffic.Traffic;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Rehearses a rolling update, and writes down what clients saw of it. bench/rollout starts it. */
@Command(name = "bench/rollout")
public final class Rollout extends Program {

    private static final int DEFAULT_CLIENTS = 2000;
    private static final int QUICK_CLIENTS = 200;
    private static final int DEFAULT_PODS = 3;
    private static final int QUICK_PODS = 2;

    @Option(names = "--seed")
    private long seed = 1;

    @Option(names = "--clients")
    private Integer clients;

    @Option(names = "--pods")
    private Integer pods;

    public static void main(String[] arguments) {
        start(new Rollout(), arguments);
    }

    @Override
    protected void validate() {
        clients = number("--clients", clients, 10, 5000, quick ? QUICK_CLIENTS : DEFAULT_CLIENTS);
        pods = number("--pods", pods, 1, 10, quick ? QUICK_PODS : DEFAULT_PODS);
    }

    @Override
    protected boolean run() throws IOException {
        Machine machine = Machine.here(root(), List.of());
        Path logs = Files.createDirectories(home().resolve("target/rollout"));
        try {
            System.out.printf("replacing %d pods under %,d clients%n", pods, clients);
            Outcome outcome = Rehearsal.run(pods, clients, seed, jar(), logs);
            boolean clean = outcome.objections().isEmpty();
            boolean valid = clean && !quick && clients >= DEFAULT_CLIENTS && pods >= DEFAULT_PODS;
            Path file = (valid ? root().resolve("docs") : logs).resolve("rollout.md");
            Files.writeString(file, new RolloutPage(machine, seed, pods, clients, outcome).markdown());
            System.out.println(summary(outcome));
            outcome.objections().forEach(objection -> System.out.println("    " + objection));
            System.out.println((clean ? "nobody was hurt: " : "IT IS NOT WELL: ") + file);
            return clean;
        } catch (RuntimeException | AssertionError e) {
            System.out.println("FAILED: " + e + " (logs: " + logs + ")");
            return false;
        }
    }

    private static String summary(Outcome outcome) {
        return "%,d reconnects, %,d in the busiest second; %s ms without a connection at the most; %,d errors, %,d unsignalled"
                .formatted(
                        outcome.absences().lengths().getTotalCount(),
                        outcome.absences().busiestSecond(),
                        Markdown.millis(outcome.absences().lengths(), 100),
                        outcome.errors(),
                        outcome.balance().count(Fate.UNSIGNALLED));
    }

    /** Updates while clients are connected and publications flow, and closes the books. */
    static final class Rehearsal {

        /** What new processes and newly come clients cost belongs to neither before nor meanwhile. */
        private static final Duration WARM_UP = Duration.ofSeconds(10);

        private static final Duration CALM = Duration.ofSeconds(5);

        /** For how long publications flow after everybody is back. */
        private static final Duration AFTERMATH = Duration.ofSeconds(3);

        private Rehearsal() {}

        static Outcome run(int pods, int clients, long seed, Path jar, Path logs) {
            try (Site site = Site.start(Update.plan(pods), jar, logs);
                    Traffic traffic = new Traffic(
                            Load.crowd(clients),
                            List.of(SluiceProtocol.V2),
                            site.entrance(),
                            site::redisAddress,
                            new Random(seed))) {
                traffic.open();
                traffic.publish();
                Waiting.sleep(WARM_UP);
                long calm = Time.now();
                Waiting.sleep(CALM);
                int surprisesBefore = traffic.surprises().size();
                long begin = Time.now();
                List<Replacement> replacements = new Update(site).run();
                long end = Time.now();
                Waiting.until("everybody", traffic::isEverybodySubscribed);
                Waiting.sleep(AFTERMATH);
                traffic.finish();
                List<String> surprises = traffic.surprises();
                List<String> surprisesMeanwhile = surprises.subList(surprisesBefore, surprises.size());
                return traffic.books(books -> new Outcome(
                        replacements,
                        books.publications(),
                        books.audit(true),
                        books.absences(begin, Time.now()),
                        books.latencies(calm, begin),
                        books.latencies(begin, end),
                        surprisesMeanwhile));
            }
        }
    }
}
