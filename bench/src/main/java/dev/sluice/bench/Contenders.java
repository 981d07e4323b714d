package dev.sluice.bench;

import dev.sluice.bench.Bench.Options;
import dev.sluice.bench.contender.Contender;
import dev.sluice.bench.contender.Nchan;
import dev.sluice.bench.contender.NodeRelay;
import dev.sluice.bench.contender.Sluice;
import dev.sluice.bench.process.Arguments.Wrong;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** Chooses who is measured. */
final class Contenders {

    /** Built only where it is asked for. */
    private static final String UNMETERED = "sluice-unmetered";

    private Contenders() {}

    /**
     * All there are, or of them those that are asked for, in a fixed order.
     *
     * @param home the directory {@code bench}
     * @param flags of Sluice's JVM
     */
    static List<Contender> chosen(Options options, Path home, List<String> flags) throws Wrong {
        Path built = home.resolveSibling("target");
        Path jar = built.resolve("quarkus-app").resolve("quarkus-run.jar");
        Path peers = home.resolve("peers");
        List<Contender> all = new ArrayList<>();
        Sluice sluice = Sluice.jar("sluice", jar, flags, Map.of());
        all.add(sluice);
        all.add(sluice.withPositions("sluice-v2"));
        options.before()
                .ifPresent(
                        app -> all.add(Sluice.jar("sluice-before", app.resolve("quarkus-run.jar"), flags, Map.of())));
        all.add(Sluice.jar("sluice-sendtext", jar, flags, Map.of("SLUICE_OUTBOX_WIRE", "standard")));
        if (options.contenders().contains(UNMETERED)) {
            Path unmetered = built.resolve("unmetered").resolve("quarkus-run.jar");
            all.add(Sluice.jar(UNMETERED, unmetered, flags, Map.of()));
        }
        options.nativeExecutable().ifPresent(path -> all.add(Sluice.executable("sluice-native", path)));
        all.add(new NodeRelay(peers));
        if (Nchan.isInstalled()) {
            all.add(new Nchan(peers));
        } else {
            System.out.println("nchan is left out: it needs Debian's nginx and libnginx-mod-nchan");
        }
        return only(options.contenders(), all);
    }

    private static List<Contender> only(Set<String> wanted, List<Contender> all) throws Wrong {
        Set<String> names = all.stream().map(Contender::name).collect(Collectors.toSet());
        for (String name : wanted) {
            if (!names.contains(name)) {
                throw new Wrong("there is no contender " + name + "; there are "
                        + names.stream().sorted().collect(Collectors.joining(", ")));
            }
        }
        return wanted.isEmpty()
                ? all
                : all.stream()
                        .filter(contender -> wanted.contains(contender.name()))
                        .toList();
    }
}
