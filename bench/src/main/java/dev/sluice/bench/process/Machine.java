package dev.sluice.bench.process;

import com.sun.management.UnixOperatingSystemMXBean;
import dev.sluice.harness.ServerProcess;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.stream.Stream;

/**
 * The machine and the software of a run, and its date.
 *
 * @param cores of the machine; the server has one of them
 * @param sluiceFlags of Sluice's JVM
 * @param node the version of Node, if it takes part
 * @param nginx the version of nginx, if it takes part
 * @param centrifugo the version of Centrifugo, if it takes part; results before 2026-11-30 have none
 * @param commit of the repository, with a plus sign if files have changed since
 * @param before the commit of {@code sluice-before}; empty without it
 */
public record Machine(
        String cpu,
        int cores,
        String kernel,
        String jdk,
        String sluiceFlags,
        String node,
        String nginx,
        String centrifugo,
        String commit,
        String before,
        String date) {

    public Machine {
        centrifugo = centrifugo == null ? "not installed" : centrifugo;
        before = before == null ? "" : before;
    }

    /** This machine, without peers. */
    public static Machine here(Path repository) throws IOException {
        return here(repository, List.of(), "", "", "", "");
    }

    /** This machine, and the peers of Sluice that take part. */
    public static Machine here(
            Path repository, List<String> sluiceFlags, String node, String nginx, String centrifugo, String before)
            throws IOException {
        return new Machine(
                cpuInfo("model name").findFirst().orElse(System.getProperty("os.arch")),
                (int) cpuInfo("processor").count(),
                System.getProperty("os.name") + " " + System.getProperty("os.version"),
                System.getProperty("java.runtime.version"),
                sluiceFlags.isEmpty() ? "none" : String.join(" ", sluiceFlags),
                node,
                nginx,
                centrifugo,
                commit(repository),
                before,
                LocalDate.now(ZoneOffset.UTC).toString());
    }

    /** How many files this process, and those that it starts, may have open at once. */
    public static long openFiles() {
        return ((UnixOperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getMaxFileDescriptorCount();
    }

    /** Everything except the flags and the peers. */
    public String inWords() {
        return "%s, %d cores, %s, JDK %s, Sluice at %s, %s".formatted(cpu, cores, kernel, jdk, commit, date);
    }

    private static Stream<String> cpuInfo(String key) throws IOException {
        return Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
                .filter(line -> line.startsWith(key))
                .map(line -> line.substring(line.indexOf(':') + 1).strip());
    }

    /** The commit of the repository that has this folder, with a plus sign if anything but figures has changed since. */
    public static String commit(Path folder) {
        String where = folder.toString();
        String commit = ServerProcess.output("git", "-C", where, "rev-parse", "--short", "HEAD")
                .orElse("unknown");
        boolean changed = ServerProcess.output(
                        "git",
                        "-C",
                        where,
                        "status",
                        "--porcelain",
                        "--",
                        ":/",
                        ":!/bench/results",
                        ":!/docs",
                        ":!/README.md")
                .filter(status -> !status.isEmpty())
                .isPresent();
        return changed ? commit + "+" : commit;
    }
}
