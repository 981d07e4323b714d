package dev.sluice.bench.report;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/** Writes results: raw, as tables, and as a picture. */
public final class Reports {

    private Reports() {}

    /**
     * A smoke run's go where they can't be mistaken for results.
     *
     * @param home the directory {@code bench}
     * @return the directory they are in
     */
    public static Path write(Results results, Path home) throws IOException {
        Path directory = results.quick() ? home.resolve("target").resolve("quick") : home.resolve("results");
        Files.createDirectories(directory);
        Files.writeString(directory.resolve("results.json"), json(results));
        Files.writeString(directory.resolve("results.md"), new Tables(results).markdown());
        Files.writeString(directory.resolve("chart.svg"), Chart.of(results).svg());
        return directory;
    }

    private static String json(Results results) throws IOException {
        SimpleModule durations = new SimpleModule().addSerializer(Duration.class, new ToStringSerializer());
        return new ObjectMapper()
                        .registerModule(durations)
                        .enable(SerializationFeature.INDENT_OUTPUT)
                        .writeValueAsString(results)
                + "\n";
    }
}
