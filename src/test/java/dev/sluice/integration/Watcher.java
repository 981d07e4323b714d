package dev.sluice.integration;

import dev.sluice.harness.Pod;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.nio.charset.StandardCharsets;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Watches a pod like the console. */
final class Watcher implements AutoCloseable {

    private static final int PATIENCE_MILLIS = 60_000;

    /** The pod sends an update each second. */
    private static final int PATIENCE_UPDATES = 60;

    private final HttpURLConnection connection;
    private final BufferedReader lines;

    Watcher(Pod pod, String token) {
        try {
            connection =
                    (HttpURLConnection) pod.http("/api/console/updates").toURL().openConnection();
            connection.setReadTimeout(PATIENCE_MILLIS);
            connection.setRequestProperty("Authorization", "Bearer " + token);
            lines = new BufferedReader(new InputStreamReader(connection.getInputStream(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns the next update. */
    Json next() {
        Json update = nextIfAny();
        if (update == null) {
            throw new AssertionError("the stream has ended");
        }
        return update;
    }

    /** Returns the next update that fulfils the condition. */
    Json await(Predicate<Json> condition) {
        for (int i = 0; i < PATIENCE_UPDATES; i++) {
            Json update = next();
            if (condition.test(update)) {
                return update;
            }
        }
        throw new AssertionError("no update fulfils the condition");
    }

    /** Waits until the pod ends the stream. */
    void awaitEnd() {
        for (int i = 0; i < PATIENCE_UPDATES; i++) {
            if (nextIfAny() == null) {
                return;
            }
        }
        throw new AssertionError("the stream has not ended");
    }

    private @Nullable Json nextIfAny() {
        try {
            String line = lines.readLine();
            while (line != null && !line.startsWith("data:")) {
                line = lines.readLine();
            }
            return line == null ? null : Json.from(line.substring("data:".length()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        connection.disconnect();
    }
}
