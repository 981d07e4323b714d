package dev.sluice.bench.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import picocli.CommandLine.Option;

/** A program that runs trials with clients, and fails if one of the trials shows what must not be. */
public abstract class Check extends Program {

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
    private boolean clean = true;

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
    protected interface Trial<F extends Finding> {

        /** Runs the trial; its processes log to the folder. */
        F run(Path logs) throws IOException;
    }

    @Override
    protected void validate() {
        clients();
    }

    /** Well-behaved clients. */
    protected final int clients() {
        return number("--clients", chosenClients, MIN_CLIENTS, maxClients, quick ? quickClients : fullClients);
    }

    /** The cases to run: those of {@code --only}, else a few in a quick run, else all. */
    protected final <E extends Enum<E>> Set<E> cases(Class<E> type, Set<E> only, Set<E> few) {
        if (!only.isEmpty()) {
            return EnumSet.copyOf(only);
        }
        return quick ? few : EnumSet.allOf(type);
    }

    /** Runs a trial and prints what it found; empty if the trial failed. */
    protected final <F extends Finding> Optional<F> attempt(String name, Trial<F> trial) throws IOException {
        System.out.printf("%-18s ", name);
        System.out.flush();
        Path logs = Files.createDirectories(target().resolve(name));
        try {
            F finding = trial.run(logs);
            System.out.println(finding.summary());
            for (String objection : finding.objections()) {
                clean = false;
                System.out.println("    " + objection);
            }
            return Optional.of(finding);
        } catch (RuntimeException | AssertionError e) {
            clean = false;
            System.out.println("FAILED: " + e + " (logs: " + logs + ")");
            return Optional.empty();
        }
    }

    /** Whether all trials were clean. */
    protected final boolean isClean() {
        return clean;
    }

    /**
     * Writes the parts of a page: in the repository after a full, clean run, otherwise in a copy under target.
     *
     * @param complete whether the run left nothing out, besides what {@code --quick} and {@code --clients} do
     * @return the file
     */
    protected final Path write(String page, Consumer<Page> parts, boolean complete) throws IOException {
        Page written = Page.read(root().resolve(page));
        parts.accept(written);
        boolean valid = clean && complete && !quick && clients() == fullClients;
        Path file = (valid ? root() : target()).resolve(page);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, written.text());
    }
}
