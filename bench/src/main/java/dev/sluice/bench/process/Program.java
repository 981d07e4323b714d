package dev.sluice.bench.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** A program of the benchmarks, with its command line. */
@Command(
        optionListHeading = "%noptions:%n",
        footer = {
            "",
            "environment:",
            "  BENCH_JAVA_HOME    the JDK for Sluice and the benchmarks (default: a JDK 25 in /usr/lib/jvm, else the default one)",
            "  SLUICE_JVM_FLAGS   flags of Sluice's JVM in bench/run and bench/resume"
        },
        usageHelpWidth = 140,
        sortOptions = false)
public abstract class Program implements Callable<Integer> {

    /** What separates the values of a list. */
    protected static final String COMMA = "\\s*,\\s*";

    /** The page of results, from the root of the repository. */
    protected static final String RESULTS = "bench/results/results.md";

    private static final int FAILURE = 1;

    @Spec
    private CommandSpec spec;

    /** Checks the options and does nothing else. */
    @Option(names = "--check", hidden = true)
    private boolean check;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "print this")
    private boolean help;

    @Option(
            names = "--quick",
            description = "a short run, to see that everything works; its figures mean nothing, and go to bench/target")
    protected boolean quick;

    /** Checks what the types of the options do not, and fills in defaults; throws {@link #wrong}. */
    protected void validate() {}

    /** @return whether all is well */
    protected abstract boolean run() throws IOException;

    @Override
    public final Integer call() throws IOException {
        validate();
        return check || run() ? ExitCode.OK : FAILURE;
    }

    /** Runs the program and ends this process. */
    protected static void start(Program program, String... arguments) {
        System.exit(commandLine(program).execute(arguments));
    }

    /** The program's options; a wrong one is reported in a line, with exit status 2. */
    public static CommandLine commandLine(Program program) {
        CommandLine commandLine = new CommandLine(program);
        commandLine.getCommandSpec().options().stream()
                .flatMap(option -> Stream.of(option.auxiliaryTypes()))
                .filter(Class::isEnum)
                .forEach(type -> namedByText(commandLine, type));
        return commandLine
                .setExpandAtFiles(false)
                .setOverwrittenOptionsAllowed(true)
                .setParameterExceptionHandler((wrong, arguments) -> {
                    CommandLine line = wrong.getCommandLine();
                    String name = line.getCommandName();
                    line.getErr().printf("%s: %s (%s --help says more)%n", name, wrong.getMessage(), name);
                    return ExitCode.USAGE;
                });
    }

    /** Values of the enum are named by {@link Object#toString}; a wrong name lists them. */
    private static <E> void namedByText(CommandLine commandLine, Class<E> type) {
        List<E> all = List.of(type.getEnumConstants());
        commandLine.registerConverter(
                type,
                name -> all.stream()
                        .filter(value -> value.toString().equals(name))
                        .findFirst()
                        .orElseThrow(() -> new TypeConversionException("there is no " + name + "; there are " + all)));
    }

    /** The option's value, or the default where the option is absent; a value outside the range is wrong. */
    protected final int number(String option, Integer value, int least, int most, int byDefault) {
        if (value == null) {
            return byDefault;
        }
        if (value < least || value > most) {
            throw wrong("%s needs a number from %d to %d, not %d".formatted(option, least, most, value));
        }
        return value;
    }

    /** A duration in seconds, which is another one in a quick run. */
    protected final Duration duration(int full, int ofQuick) {
        return Duration.ofSeconds(quick ? ofQuick : full);
    }

    /** Checks the native executable of Sluice, if the command line names one. */
    protected final void checkNative(Path file) {
        if (file != null && (!Files.isExecutable(file) || Files.isDirectory(file))) {
            throw wrong("--native needs an executable file, not " + file);
        }
    }

    /** To be thrown by {@link #validate}. */
    protected final ParameterException wrong(String message) {
        return new ParameterException(spec.commandLine(), message);
    }

    /**
     * Prints a table, and writes it into the page of results unless the run is quick.
     *
     * @param how it was measured, in words
     */
    protected final void publish(String how, String table) throws IOException {
        if (!quick) {
            Path file = root().resolve(RESULTS);
            String page = Page.read(file, name())
                    .writeLines("run", how + " " + Machine.here(root()).inWords() + ".")
                    .writeLines("figures", table)
                    .text();
            Files.writeString(file, page);
        }
        System.out.println(table);
    }

    /** The directory {@code bench}. */
    public static Path home() {
        return Path.of(System.getProperty("bench.home"));
    }

    /** The last part of its command, such as {@code ledger}. */
    protected final String name() {
        return Path.of(spec.name()).getFileName().toString();
    }

    /** The directory for files that are not published. */
    protected final Path target() {
        return home().resolve("target").resolve(name());
    }

    /** The directory of the repository. */
    protected static Path root() {
        return home().getParent();
    }

    /** Sluice, as it was packaged last. */
    protected static Path jar() {
        return root().resolve("target/quarkus-app/quarkus-run.jar");
    }

    /** The flags of Sluice's JVM. */
    protected static List<String> sluiceFlags() {
        return Stream.of(System.getProperty("bench.sluice-jvm-flags", "").split("\\s+"))
                .filter(flag -> !flag.isEmpty())
                .toList();
    }
}
