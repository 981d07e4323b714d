package dev.sluice.bench.fleet;

import static dev.sluice.bench.process.Page.Column.figure;
import static dev.sluice.bench.process.Page.Column.text;

import dev.sluice.bench.contender.Sluice;
import dev.sluice.bench.process.Machine;
import dev.sluice.bench.process.Page;
import dev.sluice.bench.process.Program;
import dev.sluice.harness.Redis;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;

/** Measures what a fleet of pods costs Redis, by the way in which the pods subscribe. The pods are only sockets. */
@Command(
        name = "bench/fleet",
        description =
                "Measures the CPU time of Redis for a publication, with 10, 30 and 100 pods that subscribe by patterns or by"
                        + " names, and writes bench/results/results.md in about a minute.")
public final class Fleet extends Program {

    private static final String PAGE = "bench/results/results.md";
    private static final int CHANNELS = 10_000;
    private static final int SEED = 1;
    private static final String PAYLOAD = "x".repeat(200);

    /** What is published until one of these is reached. */
    private static final int MAX_MESSAGES = 2_000_000;

    private static final int MAX_PUBLICATIONS = 100_000;
    private static final int QUICK = 20;
    private static final double MICRO = 1e3;

    /**
     * A measurement.
     *
     * @param wanted the part of the channels that a pod wants, in percent
     * @param cpuMicros of Redis for a publication
     * @param messages that a pod gets, for 100 publications
     * @param bytes that all pods get for a publication
     */
    private record Case(int pods, int wanted, String mode, double cpuMicros, double messages, double bytes) {}

    public static void main(String[] arguments) {
        start(new Fleet(), arguments);
    }

    @Override
    protected boolean run() throws IOException {
        Path logs = Files.createDirectories(target());
        List<Case> cases = new ArrayList<>();
        for (int pods : new int[] {10, 30, 100}) {
            cases.add(measure(logs, pods, 100, true));
            for (int wanted : new int[] {1, 20, 100}) {
                cases.add(measure(logs, pods, wanted, false));
            }
        }
        String table = Page.table(
                cases,
                List.of(
                        figure("pods", each -> "" + each.pods),
                        text("mode", Case::mode),
                        figure("Redis's CPU per publication, µs", each -> "%.1f".formatted(each.cpuMicros)),
                        figure("bytes to all pods per publication", each -> "%,.0f".formatted(each.bytes)),
                        figure("messages per pod and 100 publications", each -> "%.0f".formatted(each.messages))));
        if (!quick) {
            Path file = root().resolve(PAGE);
            Files.writeString(
                    file,
                    Page.read(file, name())
                            .writeLines(
                                    "run",
                                    "%,d channels, payloads of 200 bytes, seed %d. %s."
                                            .formatted(
                                                    CHANNELS,
                                                    SEED,
                                                    Machine.here(root()).inWords()))
                            .writeLines("figures", table)
                            .text());
        }
        System.out.println(table);
        return true;
    }

    private Case measure(Path logs, int pods, int wanted, boolean byPattern) throws IOException {
        int publications = Math.min(MAX_PUBLICATIONS, MAX_MESSAGES * 100 / pods / wanted) / (quick ? QUICK : 1);
        Random random = new Random(SEED);
        try (Redis redis = Sluice.redis(logs);
                Subscribers subscribers = new Subscribers(redis.address());
                Redis.Publisher publisher = redis.publisher()) {
            for (int pod = 0; pod < pods; pod++) {
                if (byPattern) {
                    subscribers.add("PSUBSCRIBE", List.of("upload:*"));
                } else {
                    subscribers.add("SUBSCRIBE", names(random, CHANNELS * wanted / 100));
                }
            }
            long cpu = redis.process().cpuNanos();
            long messages = subscribers.messages();
            long bytes = subscribers.bytes();
            byte[] payload = PAYLOAD.getBytes(StandardCharsets.US_ASCII);
            for (int i = 0; i < publications; i++) {
                publisher.publish("upload:" + i % CHANNELS, payload);
            }
            subscribers.awaitSilence();
            long got = subscribers.messages() - messages;
            return new Case(
                    pods,
                    wanted,
                    byPattern ? "pattern" : "exact, %d %% wanted".formatted(wanted),
                    (redis.process().cpuNanos() - cpu) / MICRO / publications,
                    100.0 * got / pods / publications,
                    (subscribers.bytes() - bytes) / (double) publications);
        }
    }

    private static List<String> names(Random random, int count) {
        List<Integer> all = new ArrayList<>(IntStream.range(0, CHANNELS).boxed().toList());
        Collections.shuffle(all, random);
        return all.subList(0, count).stream().map(id -> "upload:" + id).toList();
    }
}
