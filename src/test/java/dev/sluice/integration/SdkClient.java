package dev.sluice.integration;

import dev.sluice.harness.Fork;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/** A program with one of Centrifugo's SDKs, which runs each line of its input and prints a line for each event. */
final class SdkClient implements AutoCloseable {

    private static final Path FOLDER = Path.of("src/test/centrifuge");
    private static final AtomicInteger COUNT = new AtomicInteger();

    enum Sdk {
        JAVASCRIPT,
        PYTHON,
        GO
    }

    private final Path log = Fork.file("sdk-" + COUNT.incrementAndGet() + ".log");
    private final Process process;

    private SdkClient(Program program, String... arguments) {
        try {
            process = program.start(log, arguments);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Starts a client, which connects at once. */
    static SdkClient start(Sdk sdk, URI uri, String token) {
        return run(sdk, uri.toString(), token);
    }

    /** Starts a client that connects when it is sent a token, which may therefore expire soon after it was made. */
    static SdkClient start(Sdk sdk, URI uri) {
        SdkClient client = run(sdk, uri.toString());
        client.await("ready");
        return client;
    }

    private static SdkClient run(Sdk sdk, String... arguments) {
        return switch (sdk) {
            case JAVASCRIPT -> new SdkClient(Program.ofNode("node", FOLDER), before("client.js", arguments));
            case PYTHON -> new SdkClient(Program.ofPython(FOLDER), before("client.py", arguments));
            case GO -> new SdkClient(Program.ofGo(FOLDER.resolve("go")), arguments);
        };
    }

    private static String[] before(String script, String... arguments) {
        return Stream.concat(Stream.of(script), Stream.of(arguments)).toArray(String[]::new);
    }

    void send(String line) {
        try {
            process.getOutputStream().write((line + "\n").getBytes(StandardCharsets.UTF_8));
            process.getOutputStream().flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Awaits the line of an event. */
    void await(String line) {
        Awaitility.await(line)
                .atMost(60, TimeUnit.SECONDS)
                .failFast("the client ended", () -> !process.isAlive())
                .until(() -> said().contains(line));
    }

    /** Returns the lines of all events. */
    List<String> said() {
        try {
            return Files.readString(log, StandardCharsets.UTF_8).lines().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
