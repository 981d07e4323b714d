package dev.sluice.bench.ledger;

import dev.sluice.bench.account.Balance;
import dev.sluice.bench.account.Balance.Breach;
import dev.sluice.bench.account.Balance.Fate;
import dev.sluice.bench.account.Time;
import dev.sluice.bench.ledger.LedgerPage.Entry;
import dev.sluice.bench.process.Program;
import dev.sluice.bench.process.Waiting;
import dev.sluice.bench.report.Machine;
import dev.sluice.bench.site.Replica;
import dev.sluice.bench.site.Site;
import dev.sluice.bench.site.Site.Plan;
import dev.sluice.bench.traffic.Load;
import dev.sluice.bench.traffic.Protocol.SluiceProtocol;
import dev.sluice.bench.traffic.Traffic;
import dev.sluice.harness.Redis;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lets each fault strike once, and writes down what was lost and whether the clients know. bench/ledger starts it. */
@Command(name = "bench/ledger")
public final class Ledger extends Program {

    private static final int DEFAULT_CLIENTS = 300;
    private static final int QUICK_CLIENTS = 100;
    private static final Set<Fault> QUICK =
            EnumSet.of(Fault.REDIS_KILLED, Fault.LINK_SWALLOWS, Fault.POD_KILLED, Fault.POD_TERMINATED);

    @Option(names = "--seed")
    private long seed = 1;

    @Option(names = "--clients")
    private Integer clients;

    @Option(names = "--only", split = COMMA)
    private Set<Fault> only = EnumSet.noneOf(Fault.class);

    private final List<Entry> entries = new ArrayList<>();
    private boolean clean = true;

    public static void main(String[] arguments) {
        start(new Ledger(), arguments);
    }

    @Override
    protected void validate() {
        clients = number("--clients", clients, 10, 1500, quick ? QUICK_CLIENTS : DEFAULT_CLIENTS);
    }

    @Override
    protected boolean run() throws IOException {
        Machine machine = Machine.here(root(), List.of());
        Set<Fault> all = EnumSet.allOf(Fault.class);
        Set<Fault> faults = only.isEmpty() ? quick ? QUICK : all : EnumSet.copyOf(only);
        for (Fault fault : faults) {
            System.out.print(fault);
            System.out.flush();
            strike(fault);
        }
        boolean valid = clean && !quick && clients >= DEFAULT_CLIENTS && faults.equals(all);
        Path file = valid ? root().resolve("docs/ledger.md") : logs().resolve("ledger.md");
        LedgerPage page = new LedgerPage(machine, seed, clients, entries);
        Files.writeString(file, page.markdown());
        Files.writeString(valid ? home().resolve("results/ledger.md") : logs().resolve("results.md"), page.results());
        System.out.println((clean ? "everything is accounted for: " : "IT DOES NOT ADD UP: ") + file);
        return clean;
    }

    private void strike(Fault fault) throws IOException {
        Path logs = Files.createDirectories(logs().resolve(fault.toString()));
        try {
            Entry entry = FaultTrial.run(fault, Load.of(clients), seed, jar(), logs);
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

    private static Path logs() {
        return home().resolve("target/ledger");
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

    /** Lets one fault strike while publications flow, and audits what came of it. */
    static final class FaultTrial {

        private static final Map<String, String> SETTINGS =
                Map.of("SLUICE_DRAIN_DELAY", "2s", "SLUICE_DRAIN_PERIOD", "3s");

        private static final List<SluiceProtocol> PROTOCOLS = List.of(SluiceProtocol.V1, SluiceProtocol.V2);

        private static final Duration CALM = Duration.ofSeconds(3);

        /** After which all that a fault does to a pod has begun to show. */
        private static final Duration REACTION = Duration.ofSeconds(3);

        /** For how long publications flow after everything is well again; longer than telling of a gap is spread over. */
        private static final Duration AFTERMATH = Duration.ofSeconds(4);

        private FaultTrial() {}

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

        /**
         * Where a fault strikes.
         *
         * @param control of the Redis there was at the beginning
         */
        record Scene(Site site, Traffic traffic, Redis.Admin control) {

            /** How long a fault lasts. */
            void last(Duration time) {
                Waiting.sleep(time);
            }

            /** Ends the connections of all pods, in Redis. */
            void killConnections() {
                for (Replica pod : site.pods()) {
                    pod.link().addresses().forEach(address -> control.command("CLIENT", "KILL", "ADDR", address));
                }
            }
        }
    }
}
