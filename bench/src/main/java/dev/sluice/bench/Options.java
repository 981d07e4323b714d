package dev.sluice.bench;

import dev.sluice.bench.options.Arguments;
import dev.sluice.bench.options.Arguments.Wrong;
import dev.sluice.bench.work.Work;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
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

    static Options parse(Arguments arguments) throws Wrong {
        boolean check = false;
        boolean quick = false;
        Optional<Integer> rounds = Optional.empty();
        Set<Work> works = Set.of(Work.values());
        Set<String> contenders = Set.of();
        Optional<Path> nativeExecutable = Optional.empty();
        while (!arguments.isEmpty()) {
            String option = arguments.next();
            switch (option) {
                case "--check" -> check = true;
                case "--quick" -> quick = true;
                case "--rounds" -> rounds = Optional.of((int) arguments.number(option, 1, MOST_ROUNDS));
                case "--only" -> works = works(list(arguments.value(option)));
                case "--contenders" -> contenders = list(arguments.value(option));
                case "--native" -> nativeExecutable = Optional.of(executable(arguments.value(option)));
                default -> throw new Wrong("there is no option " + option);
            }
        }
        return new Options(check, quick, rounds, works, contenders, nativeExecutable);
    }

    private static Set<String> list(String value) {
        return Arrays.stream(value.split(",")).map(String::strip).collect(Collectors.toSet());
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
