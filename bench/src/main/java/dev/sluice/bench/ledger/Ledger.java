package dev.sluice.bench.ledger;

import static dev.sluice.bench.process.Page.Column.count;
import static dev.sluice.bench.process.Page.Column.figure;
import static dev.sluice.bench.process.Page.Column.text;

import dev.sluice.bench.account.Balance;
import dev.sluice.bench.account.Balance.Breach;
import dev.sluice.bench.account.Balance.Fate;
import dev.sluice.bench.account.Books;
import dev.sluice.bench.account.Timing;
import dev.sluice.bench.contender.Contender.Credentials;
import dev.sluice.bench.ledger.Ledger.FaultFinding;
import dev.sluice.bench.process.Check;
import dev.sluice.bench.process.Page;
import dev.sluice.bench.process.Page.Column;
import dev.sluice.bench.process.Waiting;
import dev.sluice.bench.trial.Protocol.SluiceProtocol;
import dev.sluice.bench.trial.Site;
import dev.sluice.bench.trial.Site.Plan;
import dev.sluice.bench.trial.Traffic;
import dev.sluice.bench.trial.Traffic.Load;
import dev.sluice.harness.Redis;
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
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;
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
            List<String> surprises = traffic.surprises();
            return traffic.books(books -> new FaultFinding(
                    fault,
                    books.publications(),
                    books.confirmed(),
                    books.audit(false, Predicate.not(Books::isStream)),
                    books.audit(true, Predicate.not(Books::isStream)),
                    books.audit(false, Books::isStream),
                    books.audit(true, Books::isStream),
                    books.timing(begin, from),
                    surprises));
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

    /**
     * The result of one fault.
     *
     * @param publications that were sent to Redis
     * @param confirmed that Redis has answered
     * @param v1 at the clients of that protocol
     * @param v2 at the clients of that protocol, which resume
     * @param streams1 of streams, at the former
     * @param streams2 of streams, at the latter
     * @param surprises messages that no well-behaved client should get
     */
    record FaultFinding(
            Fault fault,
            int publications,
            int confirmed,
            Balance v1,
            Balance v2,
            Balance streams1,
            Balance streams2,
            Timing timing,
            List<String> surprises)
            implements Finding {

        private static final Column<FaultFinding> NAME = text("fault", finding -> "`" + finding.fault + "`");

        static void writeLosses(Page page, List<FaultFinding> findings) {
            page.writeTable(
                    "faults",
                    findings,
                    List.of(
                            NAME,
                            text("what happens", finding -> finding.fault.description()),
                            figure("lost by v1", finding -> losses(finding.v1, "disconnected")),
                            figure("lost by v2", finding -> losses(finding.v2, "not resumed")),
                            count("resumed by v2", finding -> finding.v2.countResumed()),
                            figure("recovery", FaultFinding::recovery)));
            page.writeLines("streams", streams(findings));
        }

        static void writeClusterLosses(Page page, List<FaultFinding> findings) {
            page.writeTable(
                    "faults",
                    findings,
                    List.of(
                            NAME,
                            text("what happens", finding -> finding.fault.description()),
                            count("confirmed", finding -> (long) finding.confirmed),
                            count("delivered", finding -> finding.both(balance -> balance.count(Fate.DELIVERED))),
                            count("lost", finding -> finding.both(Balance::lost)),
                            count("unsignalled", finding -> finding.both(balance -> balance.count(Fate.UNSIGNALLED))),
                            count("duplicated", finding -> finding.both(balance -> balance.count(Breach.DUPLICATED))),
                            figure("recovery", FaultFinding::recovery)));
        }

        private long both(ToLongFunction<Balance> count) {
            return count.applyAsLong(v1) + count.applyAsLong(v2);
        }

        static void writeClusterFigures(Page page, List<FaultFinding> findings) {
            page.writeTable("v1", findings, ofCluster(FaultFinding::v1))
                    .writeTable("v2", findings, ofCluster(FaultFinding::v2));
        }

        private static List<Column<FaultFinding>> ofCluster(Function<FaultFinding, Balance> of) {
            List<Column<FaultFinding>> columns = new ArrayList<>(List.of(
                    NAME, count("publications", finding -> (long) finding.publications), count("confirmed", finding ->
                            (long) finding.confirmed)));
            columns.addAll(counts(of, "not resumed"));
            columns.add(count("duplicated", finding -> of.apply(finding).count(Breach.DUPLICATED)));
            return columns;
        }

        private static String streams(List<FaultFinding> findings) {
            long expected = 0;
            long delivered = 0;
            List<String> forgotten = new ArrayList<>();
            for (FaultFinding finding : findings) {
                expected += finding.streams2.expected();
                delivered += finding.streams2.count(Fate.DELIVERED);
                long lost = finding.streams2.count(Fate.FORGOTTEN);
                if (lost > 0) {
                    forgotten.add("`" + finding.fault + "` " + Page.grouped(lost));
                }
            }
            return "Entries of streams that Redis kept: clients of v2 got %s of %s. Lost by Redis: %s."
                    .formatted(
                            Page.grouped(delivered),
                            Page.grouped(expected),
                            forgotten.isEmpty() ? "none" : String.join(", ", forgotten));
        }

        static void writeFigures(Page page, List<FaultFinding> findings) {
            List<Column<FaultFinding>> v1 =
                    new ArrayList<>(List.of(NAME, count("publications", finding -> (long) finding.publications)));
            v1.addAll(counts(FaultFinding::v1, "disconnected"));
            List<Column<FaultFinding>> v2 = new ArrayList<>(List.of(NAME));
            v2.addAll(counts(FaultFinding::v2, "not resumed"));
            v2.addAll(List.of(
                    count("channels recovered", finding -> finding.v2.countAnswers(true)),
                    count("channels not recovered", finding -> finding.v2.countAnswers(false)),
                    count("resumed", finding -> finding.v2.countResumed()),
                    count("sent again", finding -> finding.v2.countRepeated()),
                    count("duplicated", finding -> finding.v2.count(Breach.DUPLICATED))));
            List<Column<FaultFinding>> streams = new ArrayList<>(List.of(NAME));
            streams.addAll(counts(FaultFinding::streams2, "not resumed"));
            streams.addAll(List.of(
                    count("resumed", finding -> finding.streams2.countResumed()),
                    count("duplicated", finding -> finding.streams2.count(Breach.DUPLICATED)),
                    count("lost by Redis", finding -> finding.streams2.count(Fate.FORGOTTEN))));
            page.writeTable("v1", findings, v1)
                    .writeTable("v2", findings, v2)
                    .writeTable("streams", findings, streams)
                    .writeTable("latencies", findings, List.of(NAME, latency(50), latency(99), latency(99.9)));
        }

        private static List<Column<FaultFinding>> counts(Function<FaultFinding, Balance> of, String disconnected) {
            return List.of(
                    count("expected", finding -> of.apply(finding).expected()),
                    count("delivered", finding -> of.apply(finding).count(Fate.DELIVERED)),
                    count("in gap", finding -> of.apply(finding).count(Fate.IN_GAP)),
                    count(disconnected, finding -> of.apply(finding).count(Fate.DISCONNECTED)),
                    count("missed", finding -> of.apply(finding).count(Fate.MISSED)),
                    count("uncertain", finding -> of.apply(finding).count(Fate.UNCERTAIN)),
                    count("unsignalled", finding -> of.apply(finding).count(Breach.UNSIGNALLED)));
        }

        private static Column<FaultFinding> latency(double percentile) {
            String title = "p" + (percentile == Math.rint(percentile) ? "" + (int) percentile : percentile) + " ms";
            return figure(title, finding -> Page.millis(finding.timing.latencies(), percentile));
        }

        private static String losses(Balance balance, String disconnected) {
            String losses = String.join(
                    ", ",
                    Stream.of(
                                    loss(balance.count(Fate.IN_GAP), "in gap"),
                                    loss(balance.count(Fate.DISCONNECTED), disconnected),
                                    loss(balance.count(Fate.MISSED), "missed"))
                            .flatMap(Function.identity())
                            .toList());
            return losses.isEmpty() ? "0" : losses;
        }

        private static Stream<String> loss(long count, String kind) {
            return count == 0 ? Stream.empty() : Stream.of(Page.grouped(count) + " " + kind);
        }

        private String recovery() {
            return timing.disturbed() ? timing.recovery().map(Page::seconds).orElse("never") : "–";
        }

        @Override
        public String summary() {
            return "%n    v1: %s%n    v2: %s%n    streams, v1: %s%n    streams, v2: %s"
                    .formatted(v1, resumptions(v2), streams1, resumptions(streams2));
        }

        private static String resumptions(Balance balance) {
            return "%s; %,d resumed, %,d sent again, %,d channels recovered, %,d not"
                    .formatted(
                            balance,
                            balance.countResumed(),
                            balance.countRepeated(),
                            balance.countAnswers(true),
                            balance.countAnswers(false));
        }

        @Override
        public List<String> objections() {
            List<String> objections = new ArrayList<>(v1.examples());
            objections.addAll(v2.examples());
            objections.addAll(streams1.examples());
            objections.addAll(streams2.examples());
            if (fault != Fault.REDIS_REPLACED) {
                if (streams1.count(Fate.IN_GAP) > 0 || streams2.lost() > streams2.count(Fate.MISSED)) {
                    objections.add("entries of streams were lost that Redis kept");
                }
                if (streams2.countAnswers(false) > 0) {
                    objections.add(streams2.countAnswers(false) + " streams were not resumed");
                }
            }
            objections.addAll(Finding.some(surprises));
            if (timing.recovery().isEmpty()) {
                objections.add("it did not recover");
            }
            if (fault.kind() == Fault.Kind.HARMLESS && v1.lost() + v2.lost() > 0) {
                objections.add(v1.lost() + v2.lost() + " deliveries were lost where nothing may be");
            }
            boolean asExpected = switch (fault.resumption()) {
                case ALWAYS -> v2.lost() == 0 && v2.countAnswers(true) > 0 && v2.countAnswers(false) == 0;
                case NEVER -> v2.countAnswers(true) == 0 && v2.countAnswers(false) > 0;
                case EITHER -> true;
            };
            if (!asExpected) {
                objections.add("channels should be resumed %s: %d were and %d were not, and %d deliveries were lost"
                        .formatted(fault.resumption(), v2.countAnswers(true), v2.countAnswers(false), v2.lost()));
            }
            return objections;
        }
    }
}
