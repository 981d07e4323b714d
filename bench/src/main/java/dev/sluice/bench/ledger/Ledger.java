package dev.sluice.bench.ledger;

import dev.sluice.bench.account.Balance;
import dev.sluice.bench.account.Balance.Breach;
import dev.sluice.bench.account.Balance.Fate;
import dev.sluice.bench.account.Time;
import dev.sluice.bench.ledger.Document.Entry;
import dev.sluice.bench.ledger.Fault.Scene;
import dev.sluice.bench.process.Arguments;
import dev.sluice.bench.process.Arguments.Wrong;
import dev.sluice.bench.process.Program;
import dev.sluice.bench.process.Waiting;
import dev.sluice.bench.report.Machine;
import dev.sluice.bench.site.Site;
import dev.sluice.bench.site.Site.Plan;
import dev.sluice.bench.traffic.Load;
import dev.sluice.bench.traffic.SluiceProtocol;
import dev.sluice.bench.traffic.Traffic;
import dev.sluice.harness.Redis;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;

/** Lets each fault strike once, and writes down what was lost and whether the clients know. bench/ledger starts it. */
public final class Ledger {

    private static final String JAR = "target/quarkus-app/quarkus-run.jar";
    private static final String LOGS = "bench/target/ledger";

    private final LedgerOptions options;
    private final Path root;
    private final List<Entry> entries = new ArrayList<>();
    private boolean clean = true;

    private Ledger(LedgerOptions options, Path root) {
        this.options = options;
        this.root = root;
    }

    public static void main(String[] arguments) throws IOException {
        Program.run("bench/ledger", Ledger::run, arguments);
    }

    private static boolean run(Arguments arguments) throws Wrong, IOException {
        Path home = Path.of(System.getProperty("bench.home"));
        LedgerOptions options = LedgerOptions.parse(arguments);
        return options.check() || new Ledger(options, home.getParent()).run();
    }

    /** @return whether everything adds up */
    private boolean run() throws IOException {
        Machine machine = Machine.here(root, List.of());
        for (Fault fault : options.faults()) {
            System.out.print(fault.id());
            System.out.flush();
            strike(fault);
        }
        Path target = Files.createDirectories(root.resolve(LOGS));
        boolean valid = options.isComplete() && clean;
        Path file = valid ? root.resolve("docs/ledger.md") : target.resolve("ledger.md");
        Document document = new Document(machine, options, entries);
        Files.writeString(file, document.markdown());
        Files.writeString(
                valid ? root.resolve("bench/results/ledger.md") : target.resolve("results.md"), document.results());
        System.out.println((clean ? "everything is accounted for: " : "IT DOES NOT ADD UP: ") + file);
        return clean;
    }

    private void strike(Fault fault) throws IOException {
        Path logs = Files.createDirectories(root.resolve(LOGS).resolve(fault.id()));
        try {
            Entry entry = Trial.run(fault, Load.of(options.clients()), options.seed(), root.resolve(JAR), logs);
            entries.add(entry);
            print("v1", entry.v1());
            print("v2", entry.v2());
            System.out.println();
            for (String objection : entry.objections()) {
                clean = false;
                System.out.println("    " + objection);
            }
        } catch (RuntimeException | AssertionError e) {
            clean = false;
            System.out.println("FAILED: " + e + " (logs: " + logs + ")");
        }
    }

    private static void print(String protocol, Balance balance) {
        System.out.printf(
                "%n    %s: %,d expected, %,d delivered, %,d in gap, %,d disconnected, %,d missed, %,d uncertain",
                protocol,
                balance.expected(),
                balance.count(Fate.DELIVERED),
                balance.count(Fate.IN_GAP),
                balance.count(Fate.DISCONNECTED),
                balance.count(Fate.MISSED),
                balance.count(Fate.UNCERTAIN));
        if (balance.countAnswers(true) + balance.countAnswers(false) > 0) {
            System.out.printf(
                    "; %,d resumed, %,d sent again, %,d channels recovered, %,d not",
                    balance.countResumed(),
                    balance.countRepeated(),
                    balance.countAnswers(true),
                    balance.countAnswers(false));
        }
        for (Breach breach : Breach.values()) {
            if (balance.count(breach) > 0) {
                System.out.printf("%n        %,d %s", balance.count(breach), breach);
            }
        }
    }

    /**
     * What the command line asks for; bench/ledger --help explains it.
     *
     * @param check only whether the command line makes sense
     * @param quick few faults and clients, to see that everything works
     * @param seed of all that is left to chance
     */
    record LedgerOptions(boolean check, boolean quick, long seed, int clients, Set<Fault> faults) {

        private static final long DEFAULT_SEED = 1;
        private static final int DEFAULT_CLIENTS = 300;
        private static final int QUICK_CLIENTS = 100;
        private static final int LEAST_CLIENTS = 10;
        private static final int MOST_CLIENTS = 1500;
        private static final Set<Fault> QUICK =
                EnumSet.of(Fault.REDIS_KILLED, Fault.LINK_SWALLOWS, Fault.POD_KILLED, Fault.POD_TERMINATED);

        static LedgerOptions parse(Arguments arguments) throws Wrong {
            boolean check = false;
            boolean quick = false;
            long seed = DEFAULT_SEED;
            int clients = 0;
            Set<Fault> faults = Set.of();
            while (!arguments.isEmpty()) {
                String option = arguments.next();
                switch (option) {
                    case "--check" -> check = true;
                    case "--quick" -> quick = true;
                    case "--seed" -> seed = arguments.number(option, Long.MIN_VALUE, Long.MAX_VALUE);
                    case "--clients" -> clients = (int) arguments.number(option, LEAST_CLIENTS, MOST_CLIENTS);
                    case "--only" -> faults = faults(arguments.value(option));
                    default -> throw new Wrong("there is no option " + option);
                }
            }
            if (faults.isEmpty()) {
                faults = quick ? QUICK : EnumSet.allOf(Fault.class);
            }
            if (clients == 0) {
                clients = quick ? QUICK_CLIENTS : DEFAULT_CLIENTS;
            }
            return new LedgerOptions(check, quick, seed, clients, faults);
        }

        /** Whether what comes out may stand for the whole. */
        boolean isComplete() {
            return !quick && clients >= DEFAULT_CLIENTS && faults.size() == Fault.values().length;
        }

        private static Set<Fault> faults(String value) throws Wrong {
            Set<Fault> faults = EnumSet.noneOf(Fault.class);
            for (String id : value.split(",")) {
                faults.add(Arrays.stream(Fault.values())
                        .filter(fault -> fault.id().equals(id.strip()))
                        .findFirst()
                        .orElseThrow(() -> new Wrong("there is no fault " + id + "; there are " + ids())));
            }
            return faults;
        }

        private static String ids() {
            return Arrays.stream(Fault.values()).map(Fault::id).collect(Collectors.joining(", "));
        }
    }

    /** Lets one fault strike while publications flow, and audits what came of it. */
    static final class Trial {

        private static final Map<String, String> SETTINGS =
                Map.of("SLUICE_DRAIN_DELAY", "2s", "SLUICE_DRAIN_PERIOD", "3s");

        private static final List<SluiceProtocol> PROTOCOLS = List.of(SluiceProtocol.V1, SluiceProtocol.V2);

        private static final Duration CALM = Duration.ofSeconds(3);

        /** After which all that a fault does to a pod has begun to show. */
        private static final Duration REACTION = Duration.ofSeconds(3);

        /** For how long publications flow after everything is well again; longer than telling of a gap is spread over. */
        private static final Duration AFTERMATH = Duration.ofSeconds(4);

        private Trial() {}

        static Entry run(Fault fault, Load usual, long seed, Path jar, Path logs) {
            Random random = new Random(seed + fault.ordinal());
            Plan plan = new Plan(2, fault.spares(), SETTINGS);
            try (Site site = Site.start(plan, jar, logs);
                    Redis.Admin control = site.control();
                    Traffic traffic =
                            new Traffic(fault.load(usual), PROTOCOLS, site.entrance(), site::redisAddress, random)) {
                traffic.open();
                traffic.publish();
                Waiting.sleep(CALM);
                long begin = Time.now();
                fault.strike(new Scene(site, traffic, control));
                long from = fault.kind() == Fault.Kind.PASSING ? begin : Time.now();
                Waiting.sleep(REACTION);
                Waiting.until("everything", () -> site.isReady() && traffic.isEverybodySubscribed());
                Waiting.sleep(AFTERMATH);
                traffic.finish();
                List<String> surprises = traffic.surprises();
                return traffic.books(books -> new Entry(
                        fault,
                        books.publications(),
                        books.audit(false),
                        books.audit(true),
                        books.timing(begin, from),
                        surprises));
            }
        }
    }
}
