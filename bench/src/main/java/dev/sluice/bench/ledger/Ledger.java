package dev.sluice.bench.ledger;

import dev.sluice.bench.account.Books;
import dev.sluice.bench.ledger.LedgerPage.FaultFinding;
import dev.sluice.bench.process.Check;
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

/** Injects each fault once, and writes what was lost and whether the clients know. bench/ledger starts it. */
@Command(
        name = "bench/ledger",
        description = {
            "Injects faults into two pods behind a balancer, accounts for every publication at each of 300 clients, and writes docs/ledger.md"
                    + " in about 15 minutes. Needs HAProxy.",
            "Fails if a publication was lost without a signal, duplicated or reordered, or if a client could not resume where it must."
        })
public final class Ledger extends Check {

    private static final Set<Fault> FEW =
            EnumSet.of(Fault.REDIS_KILLED, Fault.LINK_SWALLOWS, Fault.POD_KILLED, Fault.POD_TERMINATED);

    private static final Map<String, String> SETTINGS = Map.of("SLUICE_DRAIN_DELAY", "2s", "SLUICE_DRAIN_PERIOD", "3s");

    private static final List<SluiceProtocol> PROTOCOLS = List.of(SluiceProtocol.V1, SluiceProtocol.V2);

    private static final Duration CALM = Duration.ofSeconds(3);

    /** After which all that a fault does to a pod has begun to show. */
    private static final Duration REACTION = Duration.ofSeconds(3);

    /** For how long publications flow after everything is well again; longer than telling of a gap is spread over. */
    private static final Duration AFTERMATH = Duration.ofSeconds(4);

    @Option(
            names = "--only",
            split = COMMA,
            splitSynopsisLabel = ",",
            paramLabel = "FAULT",
            description = "only these, with the results in bench/target; a wrong name lists them")
    private Set<Fault> only = EnumSet.noneOf(Fault.class);

    public Ledger() {
        super(300, 100, 1500);
    }

    public static void main(String[] arguments) {
        start(new Ledger(), arguments);
    }

    @Override
    protected boolean run() throws IOException {
        Machine machine = Machine.here(root(), List.of());
        Set<Fault> faults = cases(Fault.class, only, FEW);
        List<FaultFinding> findings = new ArrayList<>();
        for (Fault fault : faults) {
            attempt(fault.toString(), logs -> strike(fault, logs)).ifPresent(findings::add);
        }
        boolean complete = faults.size() == Fault.values().length;
        LedgerPage page = new LedgerPage(machine, seed, clients(), findings);
        write("bench/results/ledger.md", page.results(), complete);
        Path file = write("docs/ledger.md", page.markdown(), complete);
        System.out.println((isClean() ? "everything is accounted for: " : "IT DOES NOT ADD UP: ") + file);
        return isClean();
    }

    /** Injects a fault while publications flow, and audits the clients. */
    private FaultFinding strike(Fault fault, Path logs) {
        Random random = new Random(seed + fault.ordinal());
        Plan plan = new Plan(2, fault.spares(), SETTINGS);
        try (Site site = Site.start(plan, jar(), logs);
                Redis.Admin control = site.control();
                Traffic traffic = new Traffic(
                        fault.load(Load.of(clients())), PROTOCOLS, site.entrance(), site::redisAddress, random)) {
            traffic.open();
            traffic.publish();
            Waiting.sleep(CALM);
            long begin = Books.now();
            fault.strike(new Scene(site, traffic, control));
            long from = fault.kind() == Fault.Kind.PASSING ? begin : Books.now();
            Waiting.sleep(REACTION);
            Waiting.until("everything", () -> site.isReady() && traffic.isEverybodySubscribed());
            Waiting.sleep(AFTERMATH);
            traffic.finish();
            List<String> surprises = traffic.surprises();
            return traffic.books(books -> new FaultFinding(
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
