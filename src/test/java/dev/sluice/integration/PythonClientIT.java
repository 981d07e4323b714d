package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Fork;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Runs the logic of the Python system's client against Sluice and against a stand-in for the replaced server: the page
 * must show the same.
 */
@Order(2)
class PythonClientIT {

    private static final String SECRET = "the secret of the replaced system, long enough";
    private static final Path SCRIPTS = Path.of("src/test/python");
    private static final Pattern LISTENING = Pattern.compile("listening (\\d+)");

    /** What the page shows at each step. */
    private static final String SHOWN = """
            first connect ['progress 0']
            reload ['progress 1']
            token refresh ['progress 2']
            network cut ['progress 3']
            another pod ['progress 4']
            network cut, back to the first ['progress 5']
            reload to another pod ['progress 6']
            completed ['toast A cat']
            reload, and the upload is opened again []
            processed once more ['progress 1']
            unsubscribed, and another pod []
            refresh token True 4003
            stopped for ever False
            """;

    private final Program page = Program.pythonWith("websockets, redis, jwt");

    @Tag("long")
    @Test
    void pythonClientBehavesAsOnTheReplacedServer() throws IOException, InterruptedException {
        Program server = Program.pythonWith("fastapi, uvicorn, websockets, redis.asyncio, jwt");
        Map<String, String> config = Map.of(
                "smallrye.jwt.verify.secretkey",
                SECRET,
                "smallrye.jwt.verify.algorithm",
                "HS256",
                "mp.jwt.verify.publickey.location",
                "NONE",
                "sluice.subscriptions.linger",
                "60s");
        try (Redis redis = Redis.start();
                Pod one = Pod.ready(redis, config);
                Pod two = Pod.ready(redis, config)) {
            String onSluice = shown(
                    one.webSocket("/ws/uploads").toString(),
                    two.webSocket("/ws/uploads").toString(),
                    redis);
            assertThat(onSluice).isEqualTo(SHOWN);
            assertThat(onReplacedServer(server, redis)).isEqualTo(onSluice);
        }
    }

    private String onReplacedServer(Program server, Redis redis) throws IOException, InterruptedException {
        Path log = Fork.file("replaced-server.log");
        Process process =
                server.start(log, SCRIPTS.resolve("replaced_server.py").toString(), "" + redis.port(), SECRET);
        try {
            // The old server is one process, without other pods.
            String url = "ws://127.0.0.1:" + port(process, log) + "/ws/uploads";
            return shown(url, url, redis);
        } finally {
            process.destroyForcibly().waitFor();
        }
    }

    private static String port(Process process, Path log) {
        String[] port = {""};
        await("the stand-in").atMost(60, TimeUnit.SECONDS).until(() -> {
            if (!process.isAlive()) {
                throw new IllegalStateException("the stand-in has ended:\n" + Files.readString(log));
            }
            Matcher listening = LISTENING.matcher(Files.readString(log));
            if (listening.find()) {
                port[0] = listening.group(1);
            }
            return !port[0].isEmpty();
        });
        return port[0];
    }

    private String shown(String url, String other, Redis redis) {
        return page.run(SCRIPTS.resolve("page.py").toString(), url, other, "" + redis.port(), SECRET);
    }
}
