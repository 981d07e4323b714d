package dev.sluice.bench;

import dev.sluice.bench.contender.Contender;
import dev.sluice.bench.process.Arguments;
import dev.sluice.bench.process.Arguments.Wrong;
import dev.sluice.bench.process.Program;
import dev.sluice.bench.report.Machine;
import dev.sluice.bench.report.Reports;
import dev.sluice.bench.report.Results;
import dev.sluice.bench.work.Metric;
import dev.sluice.bench.work.Work;
import dev.sluice.bench.work.Work.Sizes;
import dev.sluice.bench.work.Work.Trial;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Gives every contender every work, round after round, and writes what came out. bench/run starts it. */
public final class Bench {

    private static final int DEFAULT_ROUNDS = 2;

    private final Options options;
    private final Path home;
    private final List<String> flags;
    private final List<Turn> turns;
    private final Sizes sizes;
    private final List<Trial> trials = new ArrayList<>();
    private final List<String> failures = new ArrayList<>();

    /** A contender's doing a work once. */
    private record Turn(Work work, int round, Contender contender) {

        @Override
        public String toString() {
            return "%-8s  %-16s  round %d".formatted(work.id(), contender.name(), round);
        }
    }

    private Bench(Options options, Path home, List<String> flags) throws Wrong {
        this.options = options;
        this.home = home;
        this.flags = flags;
        this.sizes = options.quick() ? Sizes.quick() : Sizes.full();
        this.turns = turns(options, Contenders.chosen(options, home, flags));
    }

    public static void main(String[] arguments) throws IOException {
        Program.run("bench/run", Bench::run, arguments);
    }

    private static boolean run(Arguments arguments) throws Wrong, IOException {
        Path home = Path.of(System.getProperty("bench.home"));
        List<String> flags = Stream.of(
                        System.getProperty("bench.sluice-jvm-flags", "").split("\\s+"))
                .filter(flag -> !flag.isEmpty())
                .toList();
        Bench bench = new Bench(Options.parse(arguments), home, flags);
        return bench.options.check() || bench.run();
    }

    /** Whose turn it is: contenders take turns within a round, so that what the machine does meanwhile hits them all. */
    private static List<Turn> turns(Options options, List<Contender> contenders) {
        int rounds = options.rounds().orElse(options.quick() ? 1 : DEFAULT_ROUNDS);
        List<Turn> turns = new ArrayList<>();
        for (Work work : Work.values()) {
            if (!options.works().contains(work)) {
                continue;
            }
            for (int round = 1; round <= work.rounds(rounds); round++) {
                for (Contender contender : contenders) {
                    if (work.suits(contender)) {
                        turns.add(new Turn(work, round, contender));
                    }
                }
            }
        }
        return turns;
    }

    /** @return whether everything went well */
    private boolean run() throws IOException {
        Machine machine = Machine.here(home.getParent(), flags);
        for (int i = 0; i < turns.size(); i++) {
            System.out.printf("[%2d/%d] %s  ", i + 1, turns.size(), turns.get(i));
            System.out.flush();
            System.out.println(outcome(turns.get(i)));
        }
        Path written = Reports.write(new Results(machine, sizes, options.quick(), trials, failures), home);
        System.out.println("results: " + written);
        return failures.isEmpty();
    }

    private String outcome(Turn turn) throws IOException {
        Path logs = logs(turn);
        try {
            Trial trial = turn.work().run(turn.contender(), turn.round(), sizes, logs);
            trials.add(trial);
            return summary(trial.values());
        } catch (RuntimeException | AssertionError e) {
            failures.add(turn.toString().replaceAll(" +", " ") + ": " + e);
            return "FAILED: " + e;
        }
    }

    /** A directory of its own, with nothing in it from the run before. */
    private Path logs(Turn turn) throws IOException {
        Path logs = home.resolve("target")
                .resolve("trials")
                .resolve(turn.work().id() + "-" + turn.contender().name() + "-" + turn.round());
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

    /**
     * What the command line asks for; bench/run --help explains it.
     *
     * @param check only whether the command line makes sense
     * @param quick tiny sizes, to see that everything works
     * @param rounds of everything, interleaved; none given is the default
     * @param works what is done
     * @param contenders names of those who do it; empty for all there are
     * @param nativeExecutable of Sluice, as one more contender
     * @param before the folder of another build's jar, as one more contender
     */
    record Options(
            boolean check,
            boolean quick,
            Optional<Integer> rounds,
            Set<Work> works,
            Set<String> contenders,
            Optional<Path> nativeExecutable,
            Optional<Path> before) {

        private static final int MOST_ROUNDS = 100;

        static Options parse(Arguments arguments) throws Wrong {
            boolean check = false;
            boolean quick = false;
            Optional<Integer> rounds = Optional.empty();
            Set<Work> works = Set.of(Work.values());
            Set<String> contenders = Set.of();
            Optional<Path> nativeExecutable = Optional.empty();
            Optional<Path> before = Optional.empty();
            while (!arguments.isEmpty()) {
                String option = arguments.next();
                switch (option) {
                    case "--check" -> check = true;
                    case "--quick" -> quick = true;
                    case "--rounds" -> rounds = Optional.of((int) arguments.number(option, 1, MOST_ROUNDS));
                    case "--only" -> works = works(list(arguments.value(option)));
                    case "--contenders" -> contenders = list(arguments.value(option));
                    case "--native" -> nativeExecutable = Optional.of(executable(arguments.value(option)));
                    case "--before" -> before = Optional.of(app(arguments.value(option)));
                    default -> throw new Wrong("there is no option " + option);
                }
            }
            return new Options(check, quick, rounds, works, contenders, nativeExecutable, before);
        }

        private static Set<String> list(String value) {
            return Arrays.stream(value.split(",")).map(String::strip).collect(Collectors.toSet());
        }

        private static Set<Work> works(Set<String> ids) throws Wrong {
            Set<String> known = Arrays.stream(Work.values()).map(Work::id).collect(Collectors.toSet());
            for (String id : ids) {
                if (!known.contains(id)) {
                    throw new Wrong("there is no work " + id + "; there are "
                            + Arrays.stream(Work.values()).map(Work::id).collect(Collectors.joining(", ")));
                }
            }
            return Arrays.stream(Work.values())
                    .filter(work -> ids.contains(work.id()))
                    .collect(Collectors.toSet());
        }

        private static Path app(String value) throws Wrong {
            Path path = Path.of(value).toAbsolutePath();
            if (!Files.exists(path.resolve("quarkus-run.jar"))) {
                throw new Wrong("--before needs a folder with a quarkus-run.jar, not " + value);
            }
            return path;
        }

        private static Path executable(String value) throws Wrong {
            Path path = Path.of(value).toAbsolutePath();
            if (!Files.isExecutable(path) || Files.isDirectory(path)) {
                throw new Wrong("--native needs an executable file, not " + value);
            }
            return path;
        }
    }
}
