package dev.sluice.bench.resume;

import dev.sluice.bench.account.Books;
import dev.sluice.bench.contender.NodeRelay;
import dev.sluice.bench.contender.Sluice;
import dev.sluice.bench.process.Check;
import dev.sluice.bench.process.Server;
import dev.sluice.bench.process.Waiting;
import dev.sluice.bench.report.Machine;
import dev.sluice.bench.resume.ResumePage.ResumeFinding;
import dev.sluice.bench.traffic.Jitter;
import dev.sluice.bench.traffic.Load;
import dev.sluice.bench.traffic.Protocol;
import dev.sluice.bench.traffic.Protocol.SluiceProtocol;
import dev.sluice.bench.traffic.Traffic;
import dev.sluice.harness.Redis;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import picocli.CommandLine.Command;

/** Interrupts the network of all clients, and counts what they get from each server. bench/resume starts it. */
@Command(
        name = "bench/resume",
        description = {
            "Interrupts the network of 1,000 clients for 2 s again and again, counts what they get from Sluice, Socket.IO and the Node relay,"
                    + " and writes bench/results/resume.md in about ten minutes. Needs two cores and Node.",
            "Fails if a client of Sluice lost something or got something twice."
        })
public final class Resume extends Check {

    public Resume() {
        super(1000, 100, 5000);
    }

    public static void main(String[] arguments) {
        start(new Resume(), arguments);
    }

    @Override
    protected boolean run() throws IOException {
        Machine machine = Machine.here(root(), sluiceFlags());
        List<ResumeFinding> findings = new ArrayList<>();
        for (Jitter jitter : quick ? List.of(Jitter.RESET) : List.of(Jitter.RESET, Jitter.SILENT)) {
            for (Contestant contestant : Contestant.values()) {
                String name = (contestant.name() + "-" + jitter).toLowerCase(Locale.ROOT);
                attempt(name, logs -> interrupt(contestant, jitter, logs)).ifPresent(findings::add);
            }
        }
        String page = new ResumePage(machine, seed, clients(), findings).markdown();
        Path file = write("bench/results/resume.md", page, true);
        System.out.println((isClean() ? "nothing was lost by Sluice: " : "SOMETHING IS WRONG: ") + file);
        return isClean();
    }

    /** Interrupts the clients of one server while publications flow, and audits them. */
    private ResumeFinding interrupt(Contestant contestant, Jitter jitter, Path logs) {
        Duration warmUp = Duration.ofSeconds(quick ? 2 : 10);
        Duration length = Duration.ofSeconds(quick ? 10 : 60);
        try (Redis redis = Sluice.redis(logs);
                Server server = contestant.start(redis, sluiceFlags(), logs);
                Traffic traffic = new Traffic(
                        Load.modest(clients()),
                        List.of(contestant.protocol()),
                        server.address(),
                        redis::address,
                        new Random(seed))) {
            traffic.open();
            traffic.publish();
            Waiting.sleep(warmUp);
            long begin = Books.now();
            long cpu = server.process().cpuNanos();
            long redisCpu = redis.process().cpuNanos();
            traffic.beginJitter(jitter);
            Waiting.sleep(length);
            traffic.endJitter();
            long end = Books.now();
            Duration cpuMeanwhile = Duration.ofNanos(server.process().cpuNanos() - cpu);
            Duration redisCpuMeanwhile = Duration.ofNanos(redis.process().cpuNanos() - redisCpu);
            Waiting.until("everybody", traffic::isEverybodySubscribed);
            traffic.finish();
            List<String> surprises = traffic.surprises();
            return traffic.books(books -> new ResumeFinding(
                    contestant,
                    jitter,
                    books.arrivals(begin, end),
                    books.latencies(begin, end),
                    books.liveLatencies(begin, end),
                    books.absences(begin, end).lengths().getTotalCount(),
                    books.audit(contestant.protocol().resumes()),
                    cpuMeanwhile,
                    redisCpuMeanwhile,
                    surprises));
        }
    }

    /** What is compared. */
    enum Contestant {
        SLUICE("Sluice", SluiceProtocol.V2) {
            @Override
            Server start(Redis redis, List<String> flags, Path logs) {
                return Sluice.jar("sluice", jar(), flags, Map.of()).start(redis, CONNECTS_PER_SECOND, logs);
            }
        },

        SOCKET_IO("Socket.IO", new SocketIo()) {
            @Override
            Server start(Redis redis, List<String> flags, Path logs) {
                return NodeRelay.start(home().resolve("peers/socketio.js"), redis, logs);
            }
        },

        NODE("Node relay", SluiceProtocol.V1) {
            @Override
            Server start(Redis redis, List<String> flags, Path logs) {
                return NodeRelay.start(home().resolve("peers/relay.js"), redis, logs);
            }
        };

        private static final int CONNECTS_PER_SECOND = 2000;

        private final String label;
        private final Protocol protocol;

        Contestant(String label, Protocol protocol) {
            this.label = label;
            this.protocol = protocol;
        }

        /** @param flags of Sluice's JVM */
        abstract Server start(Redis redis, List<String> flags, Path logs);

        Protocol protocol() {
            return protocol;
        }

        @Override
        public String toString() {
            return label;
        }
    }
}
