package dev.sluice.integration;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Parses a simple Dockerfile, and lays out a folder accordingly. */
record Dockerfile(List<String> lines) {

    static final Dockerfile JVM = read("Dockerfile.jvm");
    static final Dockerfile NATIVE = read("Dockerfile.native");

    private static Dockerfile read(String name) {
        try (var lines = Files.lines(Path.of("src", "main", "docker", name))) {
            return new Dockerfile(lines.filter(line -> !line.isBlank() && !line.startsWith("#"))
                    .toList());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns the argument of the only instruction of that name. */
    String only(String instruction) {
        List<String> all = all(instruction);
        if (all.size() != 1) {
            throw new IllegalStateException(instruction + " is there " + all.size() + " times");
        }
        return all.get(0);
    }

    /** Returns the command of the image. */
    List<String> entrypoint() {
        try {
            return List.of(new ObjectMapper().readValue(only("ENTRYPOINT"), String[].class));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Copies the image's files into the folder, its root; returns the working directory. */
    Path copyTo(Path root) throws IOException {
        Path work = root.resolve(only("WORKDIR").substring(1));
        for (String copy : all("COPY")) {
            List<String> words = new ArrayList<>(Arrays.asList(copy.split(" ")));
            words.removeIf(word -> word.startsWith("--"));
            Path source = Path.of(words.get(0));
            Path target = work.resolve(words.get(1)).normalize();
            Files.createDirectories(target.getParent());
            try (var matching = Files.newDirectoryStream(
                    source.getParent(), source.getFileName().toString())) {
                for (Path file : matching) {
                    copy(file, words.get(1).equals("./") ? target.resolve(file.getFileName()) : target);
                }
            }
        }
        return work;
    }

    private List<String> all(String instruction) {
        return lines.stream()
                .filter(line -> line.startsWith(instruction + " "))
                .map(line -> line.substring(instruction.length() + 1))
                .toList();
    }

    private static void copy(Path from, Path to) throws IOException {
        try (var files = Files.walk(from)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Files.copy(file, to.resolve(from.relativize(file).toString()));
            }
        }
    }
}
