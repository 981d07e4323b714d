package dev.sluice.bench.rollout;

import dev.sluice.bench.options.Arguments;
import dev.sluice.bench.options.Arguments.Wrong;

/**
 * What the command line asks for; bench/rollout --help explains it.
 *
 * @param check only whether the command line makes sense
 * @param quick few clients, to see that everything works
 * @param seed of all that is left to chance
 * @param pods that are replaced
 */
record RolloutOptions(boolean check, boolean quick, long seed, int clients, int pods) {

    private static final long DEFAULT_SEED = 1;
    private static final int DEFAULT_CLIENTS = 2000;
    private static final int QUICK_CLIENTS = 200;
    private static final int LEAST_CLIENTS = 10;
    private static final int MOST_CLIENTS = 5000;
    private static final int DEFAULT_PODS = 3;
    private static final int QUICK_PODS = 2;
    private static final int MOST_PODS = 10;

    static RolloutOptions parse(Arguments arguments) throws Wrong {
        boolean check = false;
        boolean quick = false;
        long seed = DEFAULT_SEED;
        int clients = 0;
        int pods = 0;
        while (!arguments.isEmpty()) {
            String option = arguments.next();
            switch (option) {
                case "--check" -> check = true;
                case "--quick" -> quick = true;
                case "--seed" -> seed = arguments.number(option, Long.MIN_VALUE, Long.MAX_VALUE);
                case "--clients" -> clients = (int) arguments.number(option, LEAST_CLIENTS, MOST_CLIENTS);
                case "--pods" -> pods = (int) arguments.number(option, 1, MOST_PODS);
                default -> throw new Wrong("there is no option " + option);
            }
        }
        if (clients == 0) {
            clients = quick ? QUICK_CLIENTS : DEFAULT_CLIENTS;
        }
        if (pods == 0) {
            pods = quick ? QUICK_PODS : DEFAULT_PODS;
        }
        return new RolloutOptions(check, quick, seed, clients, pods);
    }

    /** Whether what comes out may stand in the documentation. */
    boolean isComplete() {
        return !quick && clients >= DEFAULT_CLIENTS && pods >= DEFAULT_PODS;
    }
}
