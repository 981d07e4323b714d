package dev.sluice.bench.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import picocli.CommandLine.Option;

/**
 * A program that runs trials with clients, writes pages of what they found, and fails if a trial found what must not be.
 *
 * @param <F> what a trial finds
 */
public abstract class Check<F extends Check.Finding> extends Program {

    private static final int MIN_CLIENTS = 10;
    private static final int MOST_EXAMPLES = 20;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "the seed of all random numbers (default: ${DEFAULT-VALUE})")
    protected long seed = 1;

    @Option(
            names = "--clients",
            paramLabel = "N",
            description = "how many clients; with another number than by default, the results go to bench/target")
    private Integer chosenClients;

    private final int fullClients;
    private final int quickClients;
    private final int maxClients;
    private boolean isClean = true;

    /**
     * A check with a default number of clients for a full run and for a quick one.
     *
     * @param maxClients the highest number that the command line may ask for
     */
    protected Check(int fullClients, int quickClients, int maxClients) {
        this.fullClients = fullClients;
        this.quickClients = quickClients;
        this.maxClients = maxClients;
    }

    /** What one trial found. */
    public interface Finding {

        /** The figures, for the console. */
        String summary();

        /** What must not be; empty if all is well. */
        List<String> objections();

        /** The first few of many objections. */
        static List<String> some(List<String> all) {
            return all.stream().limit(MOST_EXAMPLES).toList();
        }
    }

    /** One trial. */
    @FunctionalInterface
    protected interface Trial<F> {

        /** Runs the trial; its processes log to the folder. */
        F run(Path logs) throws IOException;
    }

    /** A trial of one of several cases. */
    @FunctionalInterface
    protected interface CaseTrial<E, F> {

        /** Runs the trial of the case; its processes log to the folder. */
        F run(E tried, Path logs) throws IOException;
    }

    /** Writes findings into a page. */
    @FunctionalInterface
    public interface Writer<F> {
        void write(Page page, List<F> findings);
    }

    /** The files of the pages, from the root of the repository, and what writes them. */
    protected abstract Map<String, Writer<F>> pages();

    @Override
    protected void validate() {
        clients();
        for (String file : pages().keySet()) {
            try {
                fill(file, "", List.of());
            } catch (IOException | RuntimeException e) {
                throw wrong(file + " can't be written: " + e.getMessage());
            }
        }
    }

    /** Well-behaved clients. */
    protected final int clients() {
        return number("--clients", chosenClients, MIN_CLIENTS, maxClients, quick ? quickClients : fullClients);
    }

    /** The cases to run: those of {@code --only}, else a few in a quick run, else all. */
    protected final <E extends Enum<E>> Set<E> cases(Set<E> all, Set<E> only, Set<E> few) {
        if (!only.isEmpty()) {
            return EnumSet.copyOf(only);
        }
        return quick ? few : all;
    }

    /** The random numbers of a case. */
    protected final Random random(Enum<?> tried) {
        return new Random(seed + tried.ordinal());
    }

    /** The prefix of the names of the parts that it writes. */
    protected String parts() {
        return name();
    }

    /** Runs a trial of each case, and prints what it found; a trial that failed has no finding. */
    protected final <E> List<F> attemptEach(Set<E> cases, CaseTrial<E, F> trial) throws IOException {
        List<F> findings = new ArrayList<>();
        for (E tried : cases) {
            attempt(tried.toString(), logs -> trial.run(tried, logs)).ifPresent(findings::add);
        }
        return findings;
    }

    /** Runs a trial and prints what it found; empty if the trial failed. */
    protected final Optional<F> attempt(String name, Trial<F> trial) throws IOException {
        System.out.printf("%-18s ", name);
        System.out.flush();
        Path logs = Files.createDirectories(target().resolve(name));
        try {
            F finding = trial.run(logs);
            System.out.println(finding.summary());
            for (String objection : finding.objections()) {
                isClean = false;
                System.out.println("    " + objection);
            }
            return Optional.of(finding);
        } catch (RuntimeException | AssertionError e) {
            isClean = false;
            System.out.println("FAILED: " + e + " (logs: " + logs + ")");
            return Optional.empty();
        }
    }

    /**
     * Writes the pages: in the repository after a full, clean run, otherwise copies under target.
     *
     * @param complete whether the run left nothing out, besides what {@code --quick} and {@code --clients} do
     * @param clean what to say of a run without objections
     * @param notClean what to say of another run
     * @return whether no trial failed or had an objection
     */
    protected final boolean publish(List<F> findings, boolean complete, String clean, String notClean)
            throws IOException {
        boolean valid = isClean && complete && !quick && clients() == fullClients;
        String run = "Seed %d, %s clients, %s."
                .formatted(seed, Page.grouped(clients()), Machine.here(root()).inWords());
        System.out.println((isClean ? clean : notClean) + ":");
        for (String name : pages().keySet()) {
            Path file = (valid ? root() : target()).resolve(name);
            Files.createDirectories(file.getParent());
            System.out.println(Files.writeString(file, fill(name, run, findings)));
        }
        return isClean;
    }

    private String fill(String file, String run, List<F> findings) throws IOException {
        Page page = Page.read(root().resolve(file), parts()).writeLines("run", run);
        pages().get(file).write(page, findings);
        return page.text();
    }
}
