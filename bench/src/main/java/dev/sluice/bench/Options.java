package dev.sluice.bench;

import dev.sluice.bench.work.Work;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What the command line asks for; bench/run --help explains it.
 *
 * @param check only whether the command line makes sense
 * @param quick tiny sizes, to see that everything works
 * @param rounds of everything, interleaved; none given is the default
 * @param works what is done
 * @param contenders names of those who do it; empty for all there are
 * @param nativeExecutable of Sluice, as one more contender
 */
record Options(
        boolean check,
        boolean quick,
        Optional<Integer> rounds,
        Set<Work> works,
        Set<String> contenders,
        Optional<Path> nativeExecutable) {

    private static final int MOST_ROUNDS = 100;

    /** What is wrong with a command line. */
    static final class Wrong extends Exception {

        private static final long serialVersionUID = 1;

        Wrong(String message) {
            super(message);
        }
    }

    static Options parse(String... arguments) throws Wrong {
        boolean check = false;
        boolean quick = false;
        Optional<Integer> rounds = Optional.empty();
        Set<Work> works = Set.of(Work.values());
        Set<String> contenders = Set.of();
        Optional<Path> nativeExecutable = Optional.empty();
        Deque<String> rest = new ArrayDeque<>(List.of(arguments));
        while (!rest.isEmpty()) {
            String option = rest.pop();
            switch (option) {
                case "--check" -> check = true;
                case "--quick" -> quick = true;
                case "--rounds" -> rounds = Optional.of(rounds(value(option, rest)));
                case "--only" -> works = works(list(value(option, rest)));
                case "--contenders" -> contenders = list(value(option, rest));
                case "--native" -> nativeExecutable = Optional.of(executable(value(option, rest)));
                default -> throw new Wrong("there is no option " + option);
            }
        }
        return new Options(check, quick, rounds, works, contenders, nativeExecutable);
    }

    private static String value(String option, Deque<String> rest) throws Wrong {
        if (rest.isEmpty()) {
            throw new Wrong(option + " needs a value");
        }
        return rest.pop();
    }

    private static Set<String> list(String value) {
        return Arrays.stream(value.split(",")).map(String::strip).collect(Collectors.toSet());
    }

    private static int rounds(String value) throws Wrong {
        try {
            int rounds = Integer.parseInt(value);
            if (rounds >= 1 && rounds <= MOST_ROUNDS) {
                return rounds;
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw new Wrong("--rounds needs a number from 1 to " + MOST_ROUNDS + ", not " + value);
    }

    private static Set<Work> works(Set<String> ids) throws Wrong {
        Set<String> known = Arrays.stream(Work.values()).map(Work::id).collect(Collectors.toSet());
        for (String id : ids) {
            if (!known.contains(id)) {
                throw new Wrong("there is no work " + id + "; there are "
                        + Arrays.stream(Work.values()).map(Work::id).collect(Collectors.joining(", ")));
            }
        }
        return Arrays.stream(Work.values())
                .filter(work -> ids.contains(work.id()))
                .collect(Collectors.toSet());
    }

    private static Path executable(String value) throws Wrong {
        Path path = Path.of(value).toAbsolutePath();
        if (!Files.isExecutable(path) || Files.isDirectory(path)) {
            throw new Wrong("--native needs an executable file, not " + value);
        }
        return path;
    }
}
