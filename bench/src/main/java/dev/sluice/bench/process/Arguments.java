package dev.sluice.bench.process;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/** A command line, read from left to right. */
public final class Arguments {

    private final Deque<String> rest;

    /** What is wrong with a command line. */
    public static final class Wrong extends Exception {

        private static final long serialVersionUID = 1;

        public Wrong(String message) {
            super(message);
        }
    }

    public Arguments(String... arguments) {
        rest = new ArrayDeque<>(List.of(arguments));
    }

    public boolean isEmpty() {
        return rest.isEmpty();
    }

    public String next() {
        return rest.pop();
    }

    /** What follows an option that needs something to follow. */
    public String value(String option) throws Wrong {
        if (rest.isEmpty()) {
            throw new Wrong(option + " needs a value");
        }
        return rest.pop();
    }

    /** The number that follows an option. */
    public long number(String option, long least, long most) throws Wrong {
        String value = value(option);
        try {
            long number = Long.parseLong(value);
            if (number >= least && number <= most) {
                return number;
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw new Wrong("%s needs a number from %d to %d, not %s".formatted(option, least, most, value));
    }
}
