package dev.sluice.bench.ledger;

import dev.sluice.bench.options.Arguments;
import dev.sluice.bench.options.Arguments.Wrong;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What the command line asks for; bench/ledger --help explains it.
 *
 * @param check only whether the command line makes sense
 * @param quick few faults and clients, to see that everything works
 * @param seed of all that is left to chance
 */
record LedgerOptions(boolean check, boolean quick, long seed, int clients, Set<Fault> faults) {

    private static final long DEFAULT_SEED = 1;
    private static final int DEFAULT_CLIENTS = 300;
    private static final int QUICK_CLIENTS = 100;
    private static final int LEAST_CLIENTS = 10;
    private static final int MOST_CLIENTS = 1500;
    private static final Set<Fault> QUICK =
            EnumSet.of(Fault.REDIS_KILLED, Fault.LINK_SWALLOWS, Fault.POD_KILLED, Fault.POD_TERMINATED);

    static LedgerOptions parse(Arguments arguments) throws Wrong {
        boolean check = false;
        boolean quick = false;
        long seed = DEFAULT_SEED;
        int clients = 0;
        Set<Fault> faults = Set.of();
        while (!arguments.isEmpty()) {
            String option = arguments.next();
            switch (option) {
                case "--check" -> check = true;
                case "--quick" -> quick = true;
                case "--seed" -> seed = arguments.number(option, Long.MIN_VALUE, Long.MAX_VALUE);
                case "--clients" -> clients = (int) arguments.number(option, LEAST_CLIENTS, MOST_CLIENTS);
                case "--only" -> faults = faults(arguments.value(option));
                default -> throw new Wrong("there is no option " + option);
            }
        }
        if (faults.isEmpty()) {
            faults = quick ? QUICK : EnumSet.allOf(Fault.class);
        }
        if (clients == 0) {
            clients = quick ? QUICK_CLIENTS : DEFAULT_CLIENTS;
        }
        return new LedgerOptions(check, quick, seed, clients, faults);
    }

    /** Whether what comes out may stand for the whole. */
    boolean isComplete() {
        return !quick && clients >= DEFAULT_CLIENTS && faults.size() == Fault.values().length;
    }

    private static Set<Fault> faults(String value) throws Wrong {
        Set<Fault> faults = EnumSet.noneOf(Fault.class);
        for (String id : value.split(",")) {
            faults.add(Arrays.stream(Fault.values())
                    .filter(fault -> fault.id().equals(id.strip()))
                    .findFirst()
                    .orElseThrow(() -> new Wrong("there is no fault " + id + "; there are " + ids())));
        }
        return faults;
    }

    private static String ids() {
        return Arrays.stream(Fault.values()).map(Fault::id).collect(Collectors.joining(", "));
    }
}
