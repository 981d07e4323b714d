package dev.sluice.bench.resume;

import dev.sluice.bench.account.Time;
import dev.sluice.bench.contender.NodeRelay;
import dev.sluice.bench.contender.Sluice;
import dev.sluice.bench.process.Program;
import dev.sluice.bench.process.Server;
import dev.sluice.bench.process.Waiting;
import dev.sluice.bench.report.Machine;
import dev.sluice.bench.resume.Resume.ResumeTrial.Contestant;
import dev.sluice.bench.resume.ResumePage.Result;
import dev.sluice.bench.traffic.Jitter;
import dev.sluice.bench.traffic.Load;
import dev.sluice.bench.traffic.Protocol;
import dev.sluice.bench.traffic.Protocol.SluiceProtocol;
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
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lets the network of all clients jitter, and counts what they get from each server. bench/resume starts it. */
@Command(name = "bench/resume")
public final class Resume extends Program {

    private static final int DEFAULT_CLIENTS = 1000;
    private static final int QUICK_CLIENTS = 100;

    @Option(names = "--seed")
    private long seed = 1;

    @Option(names = "--clients")
    private Integer clients;

    public static void main(String[] arguments) {
        start(new Resume(), arguments);
    }

    @Override
    protected void validate() {
        clients = number("--clients", clients, 10, 5000, quick ? QUICK_CLIENTS : DEFAULT_CLIENTS);
    }

    @Override
    protected boolean run() throws IOException {
        Machine machine = Machine.here(root(), sluiceFlags());
        List<Result> results = new ArrayList<>();
        List<String> objections = new ArrayList<>();
        for (Jitter jitter : quick ? List.of(Jitter.RESET) : List.of(Jitter.RESET, Jitter.SILENT)) {
            for (Contestant contestant : Contestant.values()) {
                Result result = run(new ResumeTrial(contestant, jitter, clients, seed, quick));
                results.add(result);
                System.out.println(result);
                objections.addAll(result.objections());
            }
        }
        objections.forEach(objection -> System.out.println("    " + objection));
        boolean valid = objections.isEmpty() && !quick && clients >= DEFAULT_CLIENTS;
        Path file = (valid ? home().resolve("results") : logs()).resolve("resume.md");
        Files.writeString(file, new ResumePage(machine, seed, clients, results).markdown());
        System.out.println((objections.isEmpty() ? "nothing was lost by Sluice: " : "SOMETHING IS WRONG: ") + file);
        return objections.isEmpty();
    }

    private static Result run(ResumeTrial trial) throws IOException {
        String name = trial.contestant().name() + "-" + trial.jitter().name().toLowerCase(Locale.ROOT);
        Path logs = Files.createDirectories(logs().resolve(name));
        try (Redis redis = Sluice.redis(logs);
                Server server = trial.contestant().start(redis, home(), sluiceFlags(), logs)) {
            return trial.run(redis, server);
        }
    }

    private static Path logs() {
        return home().resolve("target/resume");
    }

    /**
     * Lets the network of one server's clients jitter, and closes the books.
     *
     * @param quick little time, to see that everything works
     */
    record ResumeTrial(Contestant contestant, Jitter jitter, int clients, long seed, boolean quick) {

        private Duration warmUp() {
            return Duration.ofSeconds(quick ? 2 : 10);
        }

        private Duration length() {
            return Duration.ofSeconds(quick ? 10 : TimeUnit.MINUTES.toSeconds(1));
        }

        /** Redis and the server are running. */
        Result run(Redis redis, Server server) {
            try (Traffic traffic = new Traffic(
                    Load.modest(clients),
                    List.of(contestant.protocol()),
                    server.address(),
                    redis::address,
                    new Random(seed))) {
                traffic.open();
                traffic.publish();
                Waiting.sleep(warmUp());
                long begin = Time.now();
                long cpu = server.process().cpuNanos();
                long redisCpu = redis.process().cpuNanos();
                traffic.beginJitter(jitter);
                Waiting.sleep(length());
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
                        books.audit(contestant.protocol().resumes()),
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

            private static final int CONNECTS_PER_SECOND = 2000;

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

            Protocol protocol() {
                return protocol;
            }

            @Override
            public String toString() {
                return label;
            }
        }
    }
}
