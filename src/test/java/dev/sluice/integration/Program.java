package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.sluice.harness.Fork;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/**
 * A program of this machine. Without it the test is skipped; in CI, which installs it, the test fails. Tests may ask for the same
 * program at once.
 */
final class Program {

    private static final boolean CI = "true".equals(System.getenv("CI"));
    private static final long PATIENCE_SECONDS = 300;
    private static final AtomicInteger RUNS = new AtomicInteger();

    private final List<String> command;
    private final Path directory;
    private final Map<String, String> environment;

    private Program(List<String> command, Path directory, Map<String, String> environment) {
        this.command = command;
        this.directory = directory;
        this.environment = environment;
    }

    /** Returns a program on the path. */
    static Program named(String name) {
        need(
                name,
                Stream.of(System.getenv("PATH").split(":"))
                        .anyMatch(folder -> Files.isExecutable(Path.of(folder, name))));
        return new Program(List.of(name), Path.of("."), Map.of());
    }

    /** Returns Node, or one of its tools, in a folder whose packages are installed from its lock file. */
    static synchronized Program ofNode(String name, Path directory) {
        Program program = named(name).in(directory);
        if (!isInstalled(directory)) {
            named("npm").in(directory).run("ci", "--ignore-scripts");
        }
        return program;
    }

    /** Returns a Python that has the modules. */
    static Program pythonWith(String modules) {
        List<Program> pythons = Stream.of("python3", "/usr/bin/python3")
                .map(name -> new Program(List.of(name), Path.of("."), Map.of()))
                .filter(python -> python.succeeds("-c", "import " + modules))
                .toList();
        need("python3 with " + modules, !pythons.isEmpty());
        return pythons.get(0);
    }

    /** Returns a Python in a virtual environment with the packages that the folder requires, which is created if needed. */
    static synchronized Program ofPython(Path directory) {
        Path environment = directory.resolve(".venv").toAbsolutePath();
        Program python = new Program(List.of(environment.resolve("bin/python").toString()), directory, Map.of());
        if (!python.succeeds("-c", "import centrifuge")) {
            pythonWith("venv, ensurepip").run("-m", "venv", environment.toString());
            python.run("-m", "pip", "install", "--quiet", "-r", "requirements.txt");
        }
        return python;
    }

    /** Returns the Go program in the folder. Without Go the test is skipped, in CI too. */
    static synchronized Program ofGo(Path directory) {
        Program go = new Program(List.of("go"), directory, Map.of());
        assumeThat(go.succeeds("version")).as("go, which is not installed here").isTrue();
        Path binary = Path.of("target/centrifuge-go").toAbsolutePath();
        go.run("build", "-o", binary.toString(), ".");
        return new Program(List.of(binary.toString()), directory, Map.of());
    }

    /** Returns the Java that runs the tests, with their class path. */
    static Program java() {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        // Each runs for less than a second, for which the JVM's best compiler is too slow.
        return new Program(
                List.of(java, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", classPath), Path.of("."), Map.of());
    }

    Program in(Path elsewhere) {
        return new Program(command, elsewhere, environment);
    }

    Program with(Map<String, String> variables) {
        return new Program(command, directory, variables);
    }

    /** Runs the program, asserts that it succeeds, and returns its output. */
    String run(String... arguments) {
        Result result = result(arguments);
        assertThat(result.status())
                .as("%s %s:%n%s", command, List.of(arguments), result.output())
                .isZero();
        return result.output();
    }

    /** Runs the program, asserts that it fails, and returns its output. */
    String fail(String... arguments) {
        Result result = result(arguments);
        assertThat(result.status())
                .as("%s %s:%n%s", command, List.of(arguments), result.output())
                .isPositive();
        return result.output();
    }

    private record Result(int status, String output) {}

    private Result result(String... arguments) {
        Path output = Fork.file(Path.of(command.get(0)).getFileName() + "-" + RUNS.incrementAndGet() + ".log");
        try {
            Process process = start(output, arguments);
            boolean ended = process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS);
            process.destroyForcibly();
            return new Result(ended ? process.waitFor() : -1, Files.readString(output, StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Starts the program with its output in the file. */
    Process start(Path output, String... arguments) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(
                        Stream.concat(command.stream(), Stream.of(arguments)).toList())
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        builder.environment().putAll(environment);
        return builder.start();
    }

    private boolean succeeds(String... arguments) {
        try {
            return start(Path.of("/dev/null"), arguments).waitFor() == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static boolean isInstalled(Path directory) {
        try {
            Path installed = directory.resolve("node_modules/.package-lock.json");
            return Files.exists(installed)
                    && Files.getLastModifiedTime(installed)
                                    .compareTo(Files.getLastModifiedTime(directory.resolve("package-lock.json")))
                            >= 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void need(String what, boolean there) {
        if (CI) {
            assertThat(there).as("%s, which CI installs", what).isTrue();
        }
        assumeThat(there).as("%s, which is not installed here", what).isTrue();
    }
}
