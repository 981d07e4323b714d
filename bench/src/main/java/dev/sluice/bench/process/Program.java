package dev.sluice.bench.process;

import dev.sluice.bench.process.Arguments.Wrong;
import java.io.IOException;

/** A program of the harness, from its command line to its exit status. */
public final class Program {

    private static final int FAILURE = 1;
    private static final int USAGE = 2;

    private Program() {}

    /** What it does. */
    @FunctionalInterface
    public interface Main {

        /** @return whether all is well */
        boolean run(Arguments arguments) throws Wrong, IOException;
    }

    /**
     * Ends this process once it is done.
     *
     * @param name as one would type it
     */
    public static void run(String name, Main main, String... arguments) throws IOException {
        try {
            System.exit(main.run(new Arguments(arguments)) ? 0 : FAILURE);
        } catch (Wrong e) {
            System.err.println(name + ": " + e.getMessage() + " (" + name + " --help says more)");
            System.exit(USAGE);
        }
    }
}
