package dev.sluice.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** A program that may be on this machine, with its first arguments. */
record Tool(List<String> command) {

    /** Returns the program, if this machine has it. */
    static Optional<Tool> find(String name, String... arguments) {
        return Stream.of(System.getenv("PATH").split(":"))
                .map(directory -> Path.of(directory, name))
                .filter(Files::isExecutable)
                .findFirst()
                .map(path -> new Tool(with(List.of(path.toString()), arguments)));
    }

    /** Runs the program with further arguments, and returns its output; it must succeed. */
    String run(String... arguments) {
        List<String> all = with(command, arguments);
        Result result = result(new ProcessBuilder(all).redirectError(Redirect.INHERIT));
        assertThat(result.status()).as("%s: %s", all, result.output()).isZero();
        return result.output();
    }

    /** Runs the program with further arguments, and returns its output and errors; it must fail. */
    String refuse(String... arguments) {
        List<String> all = with(command, arguments);
        Result result = result(new ProcessBuilder(all).redirectErrorStream(true));
        assertThat(result.status()).as("%s: %s", all, result.output()).isNotZero();
        return result.output();
    }

    private record Result(int status, String output) {}

    private static Result result(ProcessBuilder program) {
        try {
            Process process = program.start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return new Result(process.waitFor(), output);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<String> with(List<String> command, String... arguments) {
        List<String> all = new ArrayList<>(command);
        Collections.addAll(all, arguments);
        return all;
    }
}
