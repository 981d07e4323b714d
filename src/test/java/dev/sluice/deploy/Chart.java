package dev.sluice.deploy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The Helm chart with one of its example values, as {@code .ci/chart} rendered it. */
record Chart(String values) implements Applied {

    static final Path FOLDER = ROOT.resolve("helm/sluice");
    static final Path RENDERINGS = Path.of("src/test/resources/dev/sluice/deploy/helm");

    private static final String SUFFIX = "-values.yaml";

    /** Returns the chart with each of its examples. */
    static Stream<Chart> all() {
        try (Stream<Path> files = Files.list(FOLDER.resolve("ci"))) {
            return files
                    .map(file -> file.getFileName().toString().replace(SUFFIX, ""))
                    .sorted()
                    .map(Chart::new)
                    .toList()
                    .stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public <T> List<T> all(Class<T> kind) {
        return Manifests.parse(rendering()).stream()
                .filter(kind::isInstance)
                .map(kind::cast)
                .toList();
    }

    @Override
    public boolean rendered() {
        return true;
    }

    /** Returns the file with the example values. */
    Path file() {
        return FOLDER.resolve("ci").resolve(values + SUFFIX);
    }

    /** Returns the manifests. */
    String rendering() {
        return read(".yaml");
    }

    /** Returns what Helm shows after an install. */
    String notes() {
        return read(".notes.txt");
    }

    private String read(String suffix) {
        try {
            return Files.readString(RENDERINGS.resolve(values + suffix));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public String toString() {
        return FOLDER + ", " + values;
    }
}
