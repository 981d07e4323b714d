package dev.sluice.bench;

import dev.sluice.bench.contender.Contender;
import dev.sluice.bench.contender.Contender.ClientProtocol;
import dev.sluice.bench.contender.Peer;
import dev.sluice.bench.contender.Sluice;
import dev.sluice.bench.process.Machine;
import dev.sluice.bench.process.Program;
import dev.sluice.bench.report.Results;
import dev.sluice.bench.report.Results.Row;
import dev.sluice.bench.work.Work;
import dev.sluice.bench.work.Work.Metric;
import dev.sluice.bench.work.Work.Sizes;
import dev.sluice.bench.work.Work.Trial;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Runs every workload with every contender, round after round, and writes the results. bench/run starts it. */
@Command(
        name = "bench/run",
        description =
                "Measures Sluice next to other servers that do the same, and writes bench/results in some hours. Needs two cores and Node.")
public final class Bench extends Program {

    private static final int DEFAULT_SECONDS = 10;

    /** They take part only if the command line names them; the first is built then. */
    private static final String UNMETERED = "sluice-unmetered";

    private static final String ONE_LOOP = "sluice-one-loop";

    @Option(
            names = "--rounds",
            paramLabel = "N",
            description = "how often each trial is repeated (default: 3); with fewer, results go to bench/target")
    private Integer rounds;

    @Option(
            names = "--warm-up",
            paramLabel = "SECONDS",
            description = "the time under load before the count (default: 10)")
    private Integer warmUp;

    @Option(names = "--window", paramLabel = "SECONDS", description = "the time of the count (default: 10)")
    private Integer window;

    @Option(
            names = "--only",
            split = COMMA,
            splitSynopsisLabel = ",",
            paramLabel = "WORK",
            description = "only these workloads; a wrong name lists them")
    private Set<Work> only = EnumSet.noneOf(Work.class);

    @Option(
            names = "--contenders",
            split = COMMA,
            splitSynopsisLabel = ",",
            paramLabel = "NAME",
            description =
                    "only these; a wrong name lists them; sluice-unmetered and sluice-one-loop take part only if they are named")
    private Set<String> contenders = new HashSet<>();

    @Option(
            names = "--native",
            paramLabel = "PATH",
            description = "a native executable of Sluice, measured as sluice-native")
    private Path nativeExecutable;

    @Option(
            names = "--before",
            paramLabel = "FOLDER",
            description = "target/quarkus-app of another build of Sluice, measured as sluice-before")
    private Path before;

    @Option(
            names = "--pages",
            description = "measure nothing; write the pages and the chart again from bench/results/results.json")
    private boolean pages;

    private final List<String> leftOut = new ArrayList<>();
    private List<Turn> turns;
    private Sizes sizes;

    /** One contender under one workload in one round. */
    private record Turn(Work work, int round, Contender contender) {

        @Override
        public String toString() {
            return "%-17s  %-17s  round %d".formatted(work.id(), contender.id(), round);
        }
    }

    public static void main(String[] arguments) {
        start(new Bench(), arguments);
    }

    @Override
    protected void validate() {
        rounds = number("--rounds", rounds, 1, 100, quick ? 1 : Results.ENOUGH_ROUNDS);
        Duration before = Duration.ofSeconds(number("--warm-up", warmUp, 1, 600, DEFAULT_SECONDS));
        Duration counted = Duration.ofSeconds(number("--window", window, 1, 600, DEFAULT_SECONDS));
        sizes = quick ? Sizes.quick() : Sizes.full(before, counted);
        if (this.before != null && !Files.exists(this.before.resolve("quarkus-run.jar"))) {
            throw wrong("--before needs a folder with a quarkus-run.jar, not " + this.before);
        }
        checkNative(nativeExecutable);
        turns = turns(chosen(contenders()));
    }

    /** All contenders, in a fixed order. */
    private List<Contender> contenders() {
        List<Contender> all = new ArrayList<>();
        Sluice sluice = Sluice.jar("sluice", jar(), sluiceFlags(), Map.of());
        all.add(sluice);
        all.add(sluice.with("sluice-v2", ClientProtocol.V2));
        all.add(sluice.with("sluice-sse", ClientProtocol.EVENTS));
        all.add(sluice.with("sluice-centrifuge", ClientProtocol.CENTRIFUGE));
        all.add(Sluice.streams("sluice-stream", jar(), sluiceFlags()));
        all.add(Sluice.jar("sluice-c1", jar(), withoutProfile(), Map.of()));
        if (before != null) {
            Path jar = before.toAbsolutePath().resolve("quarkus-run.jar");
            all.add(Sluice.jar("sluice-before", jar, sluiceFlags(), Map.of()));
        }
        all.add(Sluice.jar("sluice-sendtext", jar(), sluiceFlags(), Map.of("SLUICE_OUTBOX_WIRE", "standard")));
        if (contenders.contains(UNMETERED)) {
            Path jar = root().resolve("target/unmetered/quarkus-run.jar");
            all.add(Sluice.jar(UNMETERED, jar, sluiceFlags(), Map.of()));
        }
        if (contenders.contains(ONE_LOOP)) {
            all.add(Sluice.jar(ONE_LOOP, jar(), sluiceFlags(), Map.of("QUARKUS_VERTX_EVENT_LOOPS_POOL_SIZE", "1")));
        }
        if (nativeExecutable != null) {
            all.add(Sluice.executable("sluice-native", nativeExecutable.toAbsolutePath()));
        }
        for (Peer peer : Peer.values()) {
            if (peer.isInstalled()) {
                all.add(peer);
            } else {
                System.out.println(peer.id() + " is left out: it needs " + peer.needs());
            }
        }
        return all;
    }

    /** Flags of a JVM that compiles as a native executable is compiled: once, without a profile. */
    private List<String> withoutProfile() {
        return Stream.concat(sluiceFlags().stream(), Stream.of("-XX:TieredStopAtLevel=1"))
                .toList();
    }

    /** The contenders that the command line names, or all. */
    private List<Contender> chosen(List<Contender> all) {
        List<String> names = all.stream().map(Contender::id).sorted().toList();
        for (String name : contenders) {
            if (!names.contains(name)) {
                throw wrong("there is no contender " + name + "; there are " + String.join(", ", names));
            }
        }
        return all.stream()
                .filter(contender -> contenders.isEmpty() || contenders.contains(contender.id()))
                .toList();
    }

    /** All turns in order: contenders alternate within a round, so that other load of the machine hits them all. */
    private List<Turn> turns(List<Contender> contestants) {
        List<Turn> all = new ArrayList<>();
        for (Work work : works()) {
            for (int round = 1; round <= rounds; round++) {
                for (Contender contender : contestants) {
                    if (work.suits(contender)) {
                        all.add(new Turn(work, round, contender));
                    }
                }
            }
        }
        return all;
    }

    /** The workloads that the command line names, or all that this machine allows. */
    private List<Work> works() {
        long allowed = Machine.openFiles();
        List<Work> works = new ArrayList<>();
        for (Work work : only.isEmpty() ? EnumSet.allOf(Work.class) : EnumSet.copyOf(only)) {
            int needed = work.openFiles(sizes);
            String reason = "%s needs processes with %,d open files; here they may have %,d (ulimit -Hn)"
                    .formatted(work, needed, allowed);
            if (needed <= allowed) {
                works.add(work);
            } else if (only.contains(work)) {
                throw wrong(reason);
            } else {
                leftOut.add(reason);
            }
        }
        return works;
    }

    @Override
    protected boolean run() throws IOException {
        if (pages) {
            Results.read(root()).write(root(), root());
            return true;
        }
        leftOut.forEach(reason -> System.out.println("left out: " + reason));
        Machine machine = Machine.here(
                root(),
                sluiceFlags(),
                Peer.NODE.version(),
                Peer.NCHAN.version(),
                Peer.CENTRIFUGO.version(),
                before == null ? "" : Machine.commit(before));
        boolean publish = !quick && rounds >= Results.ENOUGH_ROUNDS;
        Path folder = publish ? root() : target();
        Results results = publish ? Results.read(root()) : new Results(quick, List.of());
        Row row = null;
        boolean allIsWell = true;
        for (int i = 0; i < turns.size(); i++) {
            Turn turn = turns.get(i);
            if (row == null || row.work() != turn.work()) {
                row = new Row(turn.work(), machine, sizes, new ArrayList<>(), new ArrayList<>());
            }
            System.out.printf("[%2d/%d] %s  ", i + 1, turns.size(), turn);
            System.out.flush();
            System.out.println(outcome(turn, row));
            allIsWell &= row.failures().isEmpty();
            // A run that is stopped has written what it has measured.
            if (i + 1 == turns.size() || turns.get(i + 1).work() != turn.work()) {
                results = publish ? results.with(row) : results.withAny(row);
                results.write(root(), folder);
            }
        }
        System.out.println("results: " + folder.resolve("bench/results"));
        return allIsWell;
    }

    private String outcome(Turn turn, Row row) throws IOException {
        Path logs = logs(turn);
        try {
            Trial trial = turn.work().run(turn.contender(), turn.round(), sizes, logs);
            row.trials().add(trial);
            return summary(trial.values());
        } catch (RuntimeException | AssertionError e) {
            row.failures().add(turn.toString().replaceAll(" +", " ") + ": " + e);
            return "FAILED: " + e;
        }
    }

    /** An empty folder for the logs of this turn. */
    private Path logs(Turn turn) throws IOException {
        Path logs = home().resolve("target")
                .resolve("trials")
                .resolve(turn.work().id() + "-" + turn.contender().id() + "-" + turn.round());
        if (Files.exists(logs)) {
            try (Stream<Path> old = Files.walk(logs).sorted(Comparator.reverseOrder())) {
                for (Path path : (Iterable<Path>) old::iterator) {
                    Files.delete(path);
                }
            }
        }
        return Files.createDirectories(logs);
    }

    private static String summary(Map<Metric, Double> values) {
        if (values.containsKey(Metric.KB_PER_CONNECTION)) {
            return "%.1f KB per connection".formatted(values.get(Metric.KB_PER_CONNECTION));
        }
        if (values.containsKey(Metric.CPU_PER_REFUSAL)) {
            return "%.3f ms of CPU per refusal".formatted(values.get(Metric.CPU_PER_REFUSAL));
        }
        return "%,.0f per CPU-second, %,.0f/s, server %.0f %%, generator %.0f %%, redis %.0f %%, others %.0f %%, p99 %.2f ms"
                .formatted(
                        values.get(Metric.PER_CPU_SECOND),
                        values.get(Metric.PER_SECOND),
                        values.get(Metric.SERVER_CPU) * 100,
                        values.get(Metric.GENERATOR_CPU) * 100,
                        values.get(Metric.REDIS_CPU) * 100,
                        values.get(Metric.OTHER_CPU) * 100,
                        values.get(Metric.P99));
    }
}
