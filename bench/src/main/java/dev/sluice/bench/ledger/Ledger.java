package dev.sluice.bench.ledger;

import dev.sluice.bench.account.Books;
import dev.sluice.bench.process.Check;
import dev.sluice.bench.trial.Site;
import dev.sluice.bench.trial.Traffic;
import dev.sluice.harness.Waiting;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Injects each fault once, and writes what was lost and whether the clients know. bench/ledger starts it. */
@Command(
        name = "bench/ledger",
        description = {
            "Injects faults into two pods behind a balancer, accounts for every publication at each of 300 clients,"
                    + " and writes docs/ledger.md in about 15 minutes. Needs HAProxy.",
            "Fails if a publication was lost without a signal, duplicated or reordered, or if a client could not"
                    + " resume where it must."
        })
public final class Ledger extends Check<FaultFinding> {

    private static final Duration CALM = Duration.ofSeconds(3);

    /** How long publications continue after recovery; the gap messages are spread over a shorter time. */
    private static final Duration AFTERMATH = Duration.ofSeconds(4);

    @Option(
            names = "--only",
            split = COMMA,
            splitSynopsisLabel = ",",
            paramLabel = "FAULT",
            description = "only these, with the results in bench/target; a wrong name lists them")
    private Set<Fault> only = EnumSet.noneOf(Fault.class);

    @Option(
            names = "--cluster",
            description = "the faults of a Redis Cluster instead, in about eight minutes; needs Debian's redis-tools")
    private boolean cluster;

    public Ledger() {
        super(300, 100, 1500);
    }

    public static void main(String[] arguments) {
        start(new Ledger(), arguments);
    }

    @Override
    protected void validate() {
        if (!Fault.all(cluster).containsAll(only)) {
            throw wrong("--only: faults of a Redis Cluster need --cluster, and others are without it");
        }
        super.validate();
    }

    @Override
    protected String parts() {
        return cluster ? "cluster-ledger" : super.parts();
    }

    @Override
    protected Map<String, Writer<FaultFinding>> pages() {
        return FaultFinding.pages(cluster);
    }

    @Override
    protected boolean run() throws IOException {
        Set<Fault> all = Fault.all(cluster);
        Set<Fault> faults = cases(all, only, Fault.few(cluster));
        List<FaultFinding> findings = attemptEach(faults, this::inject);
        return publish(findings, faults.equals(all), "everything is accounted for", "IT DOES NOT ADD UP");
    }

    /** Injects a fault while publications flow, and audits the clients. */
    private FaultFinding inject(Fault fault, Path logs) {
        try (Site site = Site.start(fault.plan(), jar(), logs);
                Traffic traffic = new Traffic(fault.load(clients()), fault.protocols(), site, random(fault))) {
            traffic.open();
            traffic.publish();
            Waiting.sleep(CALM);
            long begin = Books.now();
            long from = fault.inject(site, traffic);
            Waiting.until("everything", () -> site.isReady() && traffic.areAllSubscribed());
            Waiting.sleep(AFTERMATH);
            traffic.finish();
            traffic.compareStreams(site.redis());
            return traffic.books(books -> FaultFinding.of(fault, books, begin, from));
        }
    }
}
