package dev.sluice.bench.resume;

import static dev.sluice.bench.process.Page.Column.figure;
import static dev.sluice.bench.process.Page.Column.text;
import static dev.sluice.bench.process.Page.grouped;
import static dev.sluice.bench.process.Page.millis;
import static dev.sluice.bench.process.Page.seconds;

import dev.sluice.bench.account.Balance;
import dev.sluice.bench.account.Books;
import dev.sluice.bench.account.Books.Arrivals;
import dev.sluice.bench.contender.Peer;
import dev.sluice.bench.contender.Sluice;
import dev.sluice.bench.process.Check;
import dev.sluice.bench.process.Page;
import dev.sluice.bench.process.Page.Column;
import dev.sluice.bench.resume.Resume.ResumeFinding;
import dev.sluice.bench.trial.Listener.Jitter;
import dev.sluice.bench.trial.Protocol;
import dev.sluice.bench.trial.Protocol.SluiceProtocol;
import dev.sluice.bench.trial.Traffic;
import dev.sluice.bench.trial.Traffic.Load;
import dev.sluice.harness.HttpServerProcess;
import dev.sluice.harness.Redis;
import dev.sluice.harness.Waiting;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;
import picocli.CommandLine.Command;

/** Interrupts the network of all clients, and counts what they get from each server. bench/resume starts it. */
@Command(
        name = "bench/resume",
        description = {
            "Interrupts the network of 1,000 clients for 2 s again and again, counts what they get from Sluice,"
                    + " Socket.IO and the Node relay, and writes bench/results/results.md in about ten minutes. Needs two"
                    + " cores and Node.",
            "Fails if a client of Sluice lost something or got something twice."
        })
public final class Resume extends Check<ResumeFinding> {

    public Resume() {
        super(1000, 100, 5000);
    }

    public static void main(String[] arguments) {
        start(new Resume(), arguments);
    }

    @Override
    protected Map<String, Writer<ResumeFinding>> pages() {
        return Map.of(RESULTS, ResumeFinding::write);
    }

    @Override
    protected boolean run() throws IOException {
        List<ResumeFinding> findings = new ArrayList<>();
        for (Jitter jitter : quick ? List.of(Jitter.RESET) : List.of(Jitter.RESET, Jitter.SILENT)) {
            for (Contestant contestant : Contestant.values()) {
                String name = contestant.name().toLowerCase(Locale.ROOT) + "-" + jitter;
                attempt(name, logs -> interrupt(contestant, jitter, logs)).ifPresent(findings::add);
            }
        }
        return publish(findings, true, "Sluice lost nothing", "SLUICE LOST OR REPEATED SOMETHING");
    }

    /** Interrupts the clients of one server while publications flow, and audits them. */
    private ResumeFinding interrupt(Contestant contestant, Jitter jitter, Path logs) {
        Duration warmUp = duration(10, 2);
        Duration length = duration(60, 10);
        try (Redis redis = Sluice.redis(logs);
                HttpServerProcess server = contestant.start(redis, sluiceFlags(), logs);
                Traffic traffic = new Traffic(
                        Load.modest(clients()),
                        List.of(contestant.protocol()),
                        server.address(),
                        channel -> redis::address,
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
            Waiting.until("everybody", traffic::areAllSubscribed);
            traffic.finish();
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
                    books.surprises()));
        }
    }

    /** The servers that are compared. */
    enum Contestant {
        SLUICE("Sluice", SluiceProtocol.V2) {
            @Override
            HttpServerProcess start(Redis redis, List<String> flags, Path logs) {
                return Sluice.jar("sluice", jar(), flags, Map.of()).start(redis, CONNECTS_PER_SECOND, logs);
            }
        },

        SOCKET_IO("Socket.IO", new SocketIo()) {
            @Override
            HttpServerProcess start(Redis redis, List<String> flags, Path logs) {
                return Peer.node("socketio.js", redis, logs);
            }
        },

        NODE("Node relay", SluiceProtocol.V1) {
            @Override
            HttpServerProcess start(Redis redis, List<String> flags, Path logs) {
                return Peer.node("relay.js", redis, logs);
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
        abstract HttpServerProcess start(Redis redis, List<String> flags, Path logs);

        Protocol protocol() {
            return protocol;
        }

        @Override
        public String toString() {
            return label;
        }
    }

    /**
     * The result of a trial.
     *
     * @param arrivals of the publications made while networks jittered
     * @param latencies of the same publications, in nanoseconds; the absence of clients is included
     * @param live the latencies of those whose receiver was subscribed when they were published
     * @param returns of clients
     * @param balance of the whole trial
     * @param cpu time of the server while networks jittered
     * @param redisCpu time of Redis meanwhile
     * @param surprises messages that no well-behaved client should get
     */
    record ResumeFinding(
            Contestant contestant,
            Jitter jitter,
            Arrivals arrivals,
            Histogram latencies,
            Histogram live,
            long returns,
            Balance balance,
            Duration cpu,
            Duration redisCpu,
            List<String> surprises)
            implements Finding {

        /**
         * A row of the page's table.
         *
         * @param badness a smaller number is better; always 0 if the row compares nothing
         */
        private record Row(
                String name, Function<ResumeFinding, String> figure, ToDoubleFunction<ResumeFinding> badness) {

            private static final List<Row> ALL = List.of(
                    new Row("delivered, %", ResumeFinding::percentage, of -> 1 - of.arrivals.share()),
                    new Row("delivered twice", of -> grouped(of.arrivals.again()), of -> of.arrivals.again()),
                    latency("p50, ms", ResumeFinding::latencies, 50),
                    latency("p99, ms", ResumeFinding::latencies, 99),
                    latency("p99 while subscribed, ms", ResumeFinding::live, 99),
                    new Row("CPU of the server", of -> seconds(of.cpu), of -> of.cpu.toNanos()),
                    new Row("CPU of Redis", of -> seconds(of.redisCpu), of -> of.redisCpu.toNanos()),
                    new Row("returns of clients", of -> grouped(of.returns), of -> 0),
                    new Row("channels resumed", of -> grouped(of.balance.countAnswers(true)), of -> 0),
                    new Row("channels not resumed", of -> grouped(of.balance.countAnswers(false)), of -> 0));

            private static Row latency(String name, Function<ResumeFinding, Histogram> of, double percentile) {
                return new Row(
                        name,
                        finding -> millis(of.apply(finding), percentile),
                        finding -> of.apply(finding).getValueAtPercentile(percentile));
            }

            /** The peers that are better than Sluice by a tenth or more, a line for each. */
            private Stream<String> better(List<ResumeFinding> findings) {
                return findings.stream()
                        .filter(peer -> peer.contestant != Contestant.SLUICE)
                        .flatMap(peer -> findings.stream()
                                .filter(sluice -> sluice.contestant == Contestant.SLUICE
                                        && sluice.jitter == peer.jitter
                                        && badness.applyAsDouble(peer) < 0.9 * badness.applyAsDouble(sluice))
                                .map(sluice -> "- %s, %s: %s %s, Sluice %s"
                                        .formatted(
                                                name,
                                                sluice.jitter,
                                                peer.contestant,
                                                figure.apply(peer),
                                                figure.apply(sluice))));
            }
        }

        static void write(Page page, List<ResumeFinding> findings) {
            List<Column<Row>> columns = new ArrayList<>(List.of(text("", Row::name)));
            findings.forEach(finding ->
                    columns.add(figure(finding.contestant + ", " + finding.jitter, row -> row.figure.apply(finding))));
            String better =
                    Row.ALL.stream().flatMap(row -> row.better(findings)).collect(Collectors.joining("\n"));
            page.writeTable("figures", Row.ALL, columns)
                    .writeLines("better", better.isEmpty() ? "Nothing, by a tenth or more." : better);
        }

        /** {@inheritDoc} Only Sluice must deliver everything once. */
        @Override
        public List<String> objections() {
            List<String> objections = new ArrayList<>();
            if (contestant == Contestant.SLUICE) {
                objections.addAll(balance.examples());
                objections.addAll(Finding.some(surprises));
                if (arrivals.came() < arrivals.due() || arrivals.again() > 0) {
                    objections.add("%,d deliveries were lost and %,d came twice"
                            .formatted(arrivals.due() - arrivals.came(), arrivals.again()));
                }
                if (balance.countAnswers(true) == 0) {
                    objections.add("no channel was resumed");
                }
            }
            return objections;
        }

        @Override
        public String summary() {
            String figures = Row.ALL.stream()
                    .map(row -> row.name + " " + row.figure.apply(this))
                    .collect(Collectors.joining("; "));
            return surprises.isEmpty() ? figures : figures + "; %,d surprises".formatted(surprises.size());
        }

        /** The share of due deliveries that came; rounded down, so that 100 means all. */
        private String percentage() {
            return String.format(Locale.ROOT, "%.2f", Math.floor(arrivals.share() * 10_000) / 100);
        }
    }
}
