package dev.sluice.bench.ledger;

import dev.sluice.bench.account.Books;
import dev.sluice.bench.contender.Contender.Credentials;
import dev.sluice.bench.process.Check;
import dev.sluice.bench.trial.Protocol.SluiceProtocol;
import dev.sluice.bench.trial.Site;
import dev.sluice.bench.trial.Site.Plan;
import dev.sluice.bench.trial.Traffic;
import dev.sluice.bench.trial.Traffic.Load;
import dev.sluice.harness.Redis;
import dev.sluice.harness.Waiting;
import dev.sluice.harness.attack.Attackers;
import dev.sluice.harness.attack.Attackers.Step;
import dev.sluice.harness.attack.Attackers.Target;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Predicate;
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

    private static final Set<Fault> FEW =
            EnumSet.of(Fault.REDIS_KILLED, Fault.LINK_SWALLOWS, Fault.POD_KILLED, Fault.POD_TERMINATED);

    private static final Map<String, String> DRAIN = Map.of("SLUICE_DRAIN_DELAY", "2s", "SLUICE_DRAIN_PERIOD", "3s");

    private static final Map<String, String> STREAMS = Map.of(
            "SLUICE_ROUTES_RESULT_AUDIENCE", "subscribers",
            "SLUICE_ROUTES_RESULT_ACCESS", "open",
            "SLUICE_ROUTES_RESULT_SOURCE", "stream");

    private static final List<String> REDIS =
            List.of("--notify-keyspace-events", "Kt", "--appendonly", "yes", "--appendfsync", "everysec");

    private static final List<SluiceProtocol> PROTOCOLS = List.of(SluiceProtocol.V1, SluiceProtocol.V2);

    private static final Duration CALM = Duration.ofSeconds(3);

    /** The time after which each effect of a fault on a pod has begun to show. */
    private static final Duration REACTION = Duration.ofSeconds(3);

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
            description = "the faults of a Redis Cluster instead, in about six minutes; needs Debian's redis-tools")
    private boolean cluster;

    public Ledger() {
        super(300, 100, 1500);
    }

    public static void main(String[] arguments) {
        start(new Ledger(), arguments);
    }

    @Override
    protected void validate() {
        if (only.stream().anyMatch(fault -> fault.mode().isPresent() != cluster)) {
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
        return Map.of(
                "docs/ledger.md",
                cluster ? FaultFinding::writeClusterLosses : FaultFinding::writeLosses,
                "bench/results/results.md",
                cluster ? FaultFinding::writeClusterFigures : FaultFinding::writeFigures);
    }

    @Override
    protected boolean run() throws IOException {
        Set<Fault> all = EnumSet.allOf(Fault.class);
        all.removeIf(fault -> fault.mode().isPresent() != cluster);
        Set<Fault> faults = cases(all, only, cluster ? Set.of(Fault.SHARDED_MASTER_KILLED) : FEW);
        List<FaultFinding> findings = new ArrayList<>();
        for (Fault fault : faults) {
            attempt(fault.toString(), logs -> inject(fault, logs)).ifPresent(findings::add);
        }
        boolean complete = faults.size() == all.size();
        return publish(findings, complete, "everything is accounted for", "IT DOES NOT ADD UP");
    }

    /** Injects a fault while publications flow, and audits the clients. */
    private FaultFinding inject(Fault fault, Path logs) {
        Random random = new Random(seed + fault.ordinal());
        Load load = Load.of(clients());
        Plan plan = fault.mode()
                .map(mode -> Plan.ofCluster(2, DRAIN, mode.name().toLowerCase(Locale.ROOT)))
                .orElseGet(() -> {
                    Map<String, String> settings = new HashMap<>(STREAMS);
                    settings.putAll(DRAIN);
                    return new Plan(2, fault.spares(), settings, REDIS);
                });
        try (Site site = Site.start(plan, jar(), logs);
                Redis.Admin control = site.redis().admin();
                Traffic traffic = new Traffic(
                        fault.load(fault.mode().isPresent() ? load : load.withStreams()),
                        PROTOCOLS,
                        site.entrance(),
                        site.destination(),
                        random)) {
            traffic.open();
            traffic.publish();
            Waiting.sleep(CALM);
            long begin = Books.now();
            fault.inject(new Scene(site, traffic, control));
            long from = fault.kind() == Fault.Kind.PASSING ? begin : Books.now();
            Waiting.sleep(REACTION);
            Waiting.until("everything", () -> site.isReady() && traffic.areAllSubscribed());
            Waiting.sleep(AFTERMATH);
            traffic.finish();
            traffic.compareStreams(site.redis());
            return traffic.books(books -> new FaultFinding(
                    fault,
                    books.publications(),
                    books.confirmed(),
                    books.audit(false, Predicate.not(Books::isStream)),
                    books.audit(true, Predicate.not(Books::isStream)),
                    books.audit(false, Books::isStream),
                    books.audit(true, Books::isStream),
                    books.timing(begin, from),
                    books.surprises()));
        }
    }

    /**
     * Where a fault is injected.
     *
     * @param control of the Redis at the beginning
     */
    record Scene(Site site, Traffic traffic, Redis.Admin control) {

        /** Waits while a fault lasts. */
        void last(Duration time) {
            Waiting.sleep(time);
        }

        /** Lets this number of bad clients repeat a step while a fault lasts. */
        void with(int clients, Step step, Duration time) {
            try (Attackers bad = Attackers.begin(clients, step, new Target(site.entrance(), Credentials::of))) {
                last(time);
                bad.stop();
            }
        }

        /**
         * A master of the Cluster.
         *
         * @param subscribed whether it is the one to which the pods subscribe, or another one
         */
        Redis master(boolean subscribed) {
            return site.cluster().masters().stream()
                    .filter(node -> isSubscribed(node) == subscribed)
                    .findFirst()
                    .orElseThrow();
        }

        private static boolean isSubscribed(Redis node) {
            return node.patterns() > 0 || !((List<?>) node.reply("PUBSUB", "CHANNELS", "upload:*")).isEmpty();
        }

        /** Kills the node with -9, and returns when its replica has replaced it. */
        void kill(Redis master) {
            master.kill();
            site.cluster().awaitMasters();
        }

        /** Has Redis close the connections of all pods. */
        void killConnections() {
            site.pods()
                    .forEach(pod -> pod.link()
                            .addresses()
                            .forEach(address -> control.command("CLIENT", "KILL", "ADDR", address)));
        }
    }
}
