package dev.sluice.bench.resume;

import dev.sluice.bench.contender.Sluice;
import dev.sluice.bench.process.Program;
import dev.sluice.bench.process.Server;
import dev.sluice.bench.report.Machine;
import dev.sluice.bench.resume.ResumePage.Result;
import dev.sluice.bench.traffic.Jitter;
import dev.sluice.harness.Redis;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
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
}
