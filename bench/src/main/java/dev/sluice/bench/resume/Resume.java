package dev.sluice.bench.resume;

import dev.sluice.bench.account.Time;
import dev.sluice.bench.contender.NodeRelay;
import dev.sluice.bench.contender.Sluice;
import dev.sluice.bench.process.Arguments;
import dev.sluice.bench.process.Arguments.Wrong;
import dev.sluice.bench.process.Program;
import dev.sluice.bench.process.Server;
import dev.sluice.bench.process.Waiting;
import dev.sluice.bench.report.Machine;
import dev.sluice.bench.resume.Comparison.Result;
import dev.sluice.bench.traffic.Jitter;
import dev.sluice.bench.traffic.Load;
import dev.sluice.bench.traffic.Protocol;
import dev.sluice.bench.traffic.SluiceProtocol;
import dev.sluice.bench.traffic.Traffic;
import dev.sluice.harness.Redis;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Lets the network of all clients jitter, and counts what they get from each server. bench/resume starts it. */
public final class Resume {

    private static final String LOGS = "target/resume";
    private static final String DOCUMENT = "resume.md";
    private static final int CONNECTS_PER_SECOND = 2000;

    private Resume() {}

    public static void main(String[] arguments) throws IOException {
        Program.run("bench/resume", Resume::run, arguments);
    }

    private static boolean run(Arguments arguments) throws Wrong, IOException {
        ResumeOptions options = ResumeOptions.parse(arguments);
        return options.check() || compare(options, Path.of(System.getProperty("bench.home")));
    }

    /** @return whether Sluice lost nothing and doubled nothing */
    private static boolean compare(ResumeOptions options, Path home) throws IOException {
        List<String> flags = Stream.of(
                        System.getProperty("bench.sluice-jvm-flags", "").split("\\s+"))
                .filter(flag -> !flag.isEmpty())
                .toList();
        Machine machine = Machine.here(home.getParent(), flags);
        List<Result> results = new ArrayList<>();
        List<String> objections = new ArrayList<>();
        for (Jitter jitter : options.jitters()) {
            for (Contestant contestant : Contestant.values()) {
                Path logs = Files.createDirectories(home.resolve(LOGS)
                        .resolve(contestant.name() + "-" + jitter.name().toLowerCase(Locale.ROOT)));
                Result result = trial(contestant, jitter, options, home, flags, logs);
                results.add(result);
                System.out.println(result);
                objections.addAll(result.objections());
            }
        }
        objections.forEach(objection -> System.out.println("    " + objection));
        Path directory = options.isComplete() && objections.isEmpty() ? home.resolve("results") : home.resolve(LOGS);
        Path file = directory.resolve(DOCUMENT);
        Files.writeString(file, new Comparison(machine, options, results).markdown());
        System.out.println((objections.isEmpty() ? "nothing was lost by Sluice: " : "SOMETHING IS WRONG: ") + file);
        return objections.isEmpty();
    }

    private static Result trial(
            Contestant contestant, Jitter jitter, ResumeOptions options, Path home, List<String> flags, Path logs) {
        try (Redis redis = Sluice.redis(logs);
                Server server = contestant.start(redis, home, flags, logs);
                Traffic traffic = new Traffic(
                        Load.modest(options.clients()),
                        List.of(contestant.protocol),
                        server.address(),
                        redis::address,
                        new Random(options.seed()))) {
            traffic.open();
            traffic.publish();
            Waiting.sleep(options.warmUp());
            long begin = Time.now();
            long cpu = server.process().cpuNanos();
            long redisCpu = redis.process().cpuNanos();
            traffic.beginJitter(jitter);
            Waiting.sleep(options.jitter());
            traffic.endJitter();
            long end = Time.now();
            long cpuMeanwhile = server.process().cpuNanos() - cpu;
            long redisCpuMeanwhile = redis.process().cpuNanos() - redisCpu;
            Waiting.until("everybody", traffic::isEverybodySubscribed);
            traffic.finish();
            List<String> surprises = traffic.surprises();
            return traffic.books(books -> new Result(
                    contestant,
                    jitter,
                    books.arrivals(begin, end),
                    books.latencies(begin, end),
                    books.liveLatencies(begin, end),
                    books.absences(begin, end).lengths().getTotalCount(),
                    books.audit(contestant.protocol.resumes()),
                    Duration.ofNanos(cpuMeanwhile),
                    Duration.ofNanos(redisCpuMeanwhile),
                    surprises));
        }
    }

    /** What is compared. */
    enum Contestant {
        SLUICE("Sluice", SluiceProtocol.V2) {
            @Override
            Server start(Redis redis, Path home, List<String> flags, Path logs) {
                Path jar = home.resolveSibling("target/quarkus-app/quarkus-run.jar");
                return Sluice.jar("sluice", jar, flags, Map.of()).start(redis, CONNECTS_PER_SECOND, logs);
            }
        },

        SOCKET_IO("Socket.IO", new SocketIo()) {
            @Override
            Server start(Redis redis, Path home, List<String> flags, Path logs) {
                return NodeRelay.start(home.resolve("peers/socketio.js"), redis, logs);
            }
        },

        NODE("Node relay", SluiceProtocol.V1) {
            @Override
            Server start(Redis redis, Path home, List<String> flags, Path logs) {
                return NodeRelay.start(home.resolve("peers/relay.js"), redis, logs);
            }
        };

        private final String label;
        private final Protocol protocol;

        Contestant(String label, Protocol protocol) {
            this.label = label;
            this.protocol = protocol;
        }

        /**
         * @param home the directory {@code bench}
         * @param flags of Sluice's JVM
         */
        abstract Server start(Redis redis, Path home, List<String> flags, Path logs);

        @Override
        public String toString() {
            return label;
        }
    }

    /**
     * What the command line asks for; bench/resume --help explains it.
     *
     * @param check only whether the command line makes sense
     * @param quick few clients and little time, to see that everything works
     * @param seed of all that is left to chance
     */
    record ResumeOptions(boolean check, boolean quick, long seed, int clients) {

        private static final int DEFAULT_CLIENTS = 1000;
        private static final int QUICK_CLIENTS = 100;
        private static final int LEAST_CLIENTS = 10;
        private static final int MOST_CLIENTS = 5000;

        static ResumeOptions parse(Arguments arguments) throws Wrong {
            boolean check = false;
            boolean quick = false;
            long seed = 1;
            int clients = 0;
            while (!arguments.isEmpty()) {
                String option = arguments.next();
                switch (option) {
                    case "--check" -> check = true;
                    case "--quick" -> quick = true;
                    case "--seed" -> seed = arguments.number(option, Long.MIN_VALUE, Long.MAX_VALUE);
                    case "--clients" -> clients = (int) arguments.number(option, LEAST_CLIENTS, MOST_CLIENTS);
                    default -> throw new Wrong("there is no option " + option);
                }
            }
            if (clients == 0) {
                clients = quick ? QUICK_CLIENTS : DEFAULT_CLIENTS;
            }
            return new ResumeOptions(check, quick, seed, clients);
        }

        boolean isComplete() {
            return !quick && clients >= DEFAULT_CLIENTS;
        }

        List<Jitter> jitters() {
            return quick ? List.of(Jitter.RESET) : List.of(Jitter.RESET, Jitter.SILENT);
        }

        Duration warmUp() {
            return Duration.ofSeconds(quick ? 2 : 10);
        }

        Duration jitter() {
            return Duration.ofSeconds(quick ? 10 : TimeUnit.MINUTES.toSeconds(1));
        }
    }
}
