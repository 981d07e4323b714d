package dev.sluice.bench.rollout;

import dev.sluice.bench.account.Balance.Fate;
import dev.sluice.bench.account.Time;
import dev.sluice.bench.process.Arguments;
import dev.sluice.bench.process.Arguments.Wrong;
import dev.sluice.bench.process.Program;
import dev.sluice.bench.process.Waiting;
import dev.sluice.bench.report.Figures;
import dev.sluice.bench.report.Machine;
import dev.sluice.bench.rollout.Document.Outcome;
import dev.sluice.bench.rollout.Rollout.RolloutOptions;
import dev.sluice.bench.site.Site;
import dev.sluice.bench.site.Update;
import dev.sluice.bench.site.Update.Replacement;
import dev.sluice.bench.traffic.Load;
import dev.sluice.bench.traffic.Traffic;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;

/** Rehearses a rolling update, and writes down what clients saw of it. bench/rollout starts it. */
public final class Rollout {

    private static final String JAR = "target/quarkus-app/quarkus-run.jar";
    private static final String LOGS = "bench/target/rollout";
    private static final String DOCUMENT = "rollout.md";

    private Rollout() {}

    public static void main(String[] arguments) throws IOException {
        Program.run("bench/rollout", Rollout::run, arguments);
    }

    private static boolean run(Arguments arguments) throws Wrong, IOException {
        RolloutOptions options = RolloutOptions.parse(arguments);
        return options.check()
                || rehearse(options, Path.of(System.getProperty("bench.home")).getParent());
    }

    /** @return whether clients saw nothing they should not */
    private static boolean rehearse(RolloutOptions options, Path root) throws IOException {
        Machine machine = Machine.here(root, List.of());
        Path logs = Files.createDirectories(root.resolve(LOGS));
        try {
            System.out.printf("replacing %d pods under %,d clients%n", options.pods(), options.clients());
            Outcome outcome = Rehearsal.run(options, root.resolve(JAR), logs);
            boolean clean = outcome.objections().isEmpty();
            Path directory = options.isComplete() && clean ? root.resolve("docs") : logs;
            Path file = directory.resolve(DOCUMENT);
            Files.writeString(file, new Document(machine, options, outcome).markdown());
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
                        Figures.millis(outcome.absences().lengths(), 100),
                        outcome.errors(),
                        outcome.balance().count(Fate.UNSIGNALLED));
    }

    /**
     * What the command line asks for; bench/rollout --help explains it.
     *
     * @param check only whether the command line makes sense
     * @param quick few clients, to see that everything works
     * @param seed of all that is left to chance
     * @param pods that are replaced
     */
    record RolloutOptions(boolean check, boolean quick, long seed, int clients, int pods) {

        private static final long DEFAULT_SEED = 1;
        private static final int DEFAULT_CLIENTS = 2000;
        private static final int QUICK_CLIENTS = 200;
        private static final int LEAST_CLIENTS = 10;
        private static final int MOST_CLIENTS = 5000;
        private static final int DEFAULT_PODS = 3;
        private static final int QUICK_PODS = 2;
        private static final int MOST_PODS = 10;

        static RolloutOptions parse(Arguments arguments) throws Wrong {
            boolean check = false;
            boolean quick = false;
            long seed = DEFAULT_SEED;
            int clients = 0;
            int pods = 0;
            while (!arguments.isEmpty()) {
                String option = arguments.next();
                switch (option) {
                    case "--check" -> check = true;
                    case "--quick" -> quick = true;
                    case "--seed" -> seed = arguments.number(option, Long.MIN_VALUE, Long.MAX_VALUE);
                    case "--clients" -> clients = (int) arguments.number(option, LEAST_CLIENTS, MOST_CLIENTS);
                    case "--pods" -> pods = (int) arguments.number(option, 1, MOST_PODS);
                    default -> throw new Wrong("there is no option " + option);
                }
            }
            if (clients == 0) {
                clients = quick ? QUICK_CLIENTS : DEFAULT_CLIENTS;
            }
            if (pods == 0) {
                pods = quick ? QUICK_PODS : DEFAULT_PODS;
            }
            return new RolloutOptions(check, quick, seed, clients, pods);
        }

        /** Whether what comes out may stand in the documentation. */
        boolean isComplete() {
            return !quick && clients >= DEFAULT_CLIENTS && pods >= DEFAULT_PODS;
        }
    }

    /** Updates while clients are connected and publications flow, and closes the books. */
    static final class Rehearsal {

        /** What new processes and newly come clients cost belongs to neither before nor meanwhile. */
        private static final Duration WARM_UP = Duration.ofSeconds(10);

        private static final Duration CALM = Duration.ofSeconds(5);

        /** For how long publications flow after everybody is back. */
        private static final Duration AFTERMATH = Duration.ofSeconds(3);

        private Rehearsal() {}

        static Outcome run(RolloutOptions options, Path jar, Path logs) {
            Random random = new Random(options.seed());
            try (Site site = Site.start(Update.plan(options.pods()), jar, logs);
                    Traffic traffic =
                            new Traffic(Load.crowd(options.clients()), site.entrance(), site::redisAddress, random)) {
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
                        books.audit(),
                        books.absences(begin, Time.now()),
                        books.latencies(calm, begin),
                        books.latencies(begin, end),
                        surprisesMeanwhile));
            }
        }
    }
}
