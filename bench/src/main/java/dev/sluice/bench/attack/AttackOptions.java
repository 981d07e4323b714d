package dev.sluice.bench.attack;

import dev.sluice.bench.options.Arguments;
import dev.sluice.bench.options.Arguments.Wrong;
import java.util.Arrays;
import java.util.EnumSet;
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

    static AttackOptions parse(Arguments arguments) throws Wrong {
        boolean check = false;
        boolean quick = false;
        Set<Attack> attacks = Set.of();
        while (!arguments.isEmpty()) {
            String option = arguments.next();
            switch (option) {
                case "--check" -> check = true;
                case "--quick" -> quick = true;
                case "--only" -> attacks = attacks(arguments.value(option));
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

    private static Set<Attack> attacks(String value) throws Wrong {
        Set<Attack> attacks = EnumSet.noneOf(Attack.class);
        for (String id : value.split(",")) {
            attacks.add(Arrays.stream(Attack.values())
                    .filter(attack -> attack.id().equals(id.strip()))
                    .findFirst()
                    .orElseThrow(() -> new Wrong("there is no attack " + id + "; there are " + ids())));
        }
        return attacks;
    }

    private static String ids() {
        return Arrays.stream(Attack.values()).map(Attack::id).collect(Collectors.joining(", "));
    }
}
