package dev.sluice.bench.attack;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What the command line asks for; bench/attack --help explains it.
 *
 * @param check only whether the command line makes sense
 * @param quick few attacks and short ones, to see that everything works
 */
record AttackOptions(boolean check, boolean quick, Set<Attack> attacks) {

    private static final Set<Attack> QUICK =
            EnumSet.of(Attack.FLOOD_OF_QUESTIONS, Attack.SILENT_SOCKETS, Attack.STORM_OF_CONNECTS, Attack.API_RUBBISH);

    /** What is wrong with a command line. */
    static final class Wrong extends Exception {

        private static final long serialVersionUID = 1;

        Wrong(String message) {
            super(message);
        }
    }

    static AttackOptions parse(String... arguments) throws Wrong {
        boolean check = false;
        boolean quick = false;
        Set<Attack> attacks = EnumSet.noneOf(Attack.class);
        Deque<String> rest = new ArrayDeque<>(List.of(arguments));
        while (!rest.isEmpty()) {
            String option = rest.pop();
            switch (option) {
                case "--check" -> check = true;
                case "--quick" -> quick = true;
                case "--only" -> {
                    for (String id : rest.isEmpty() ? new String[0] : rest.pop().split(",")) {
                        attacks.add(attack(id));
                    }
                    if (attacks.isEmpty()) {
                        throw new Wrong("--only needs attacks");
                    }
                }
                default -> throw new Wrong("there is no option " + option);
            }
        }
        if (attacks.isEmpty()) {
            attacks = quick ? QUICK : EnumSet.allOf(Attack.class);
        }
        return new AttackOptions(check, quick, attacks);
    }

    /** Whether what comes out may stand for the whole. */
    boolean isComplete() {
        return !quick && attacks.size() == Attack.values().length;
    }

    private static Attack attack(String id) throws Wrong {
        for (Attack attack : Attack.values()) {
            if (attack.id().equals(id)) {
                return attack;
            }
        }
        throw new Wrong("there is no attack " + id + "; there are "
                + Arrays.stream(Attack.values()).map(Attack::id).collect(Collectors.joining(", ")));
    }
}
