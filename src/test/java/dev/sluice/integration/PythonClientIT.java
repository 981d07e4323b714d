package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Fork;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import dev.sluice.harness.TcpProxy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
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
    private static final int PIECE = 64 * 1024;
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
                TcpProxy network = new TcpProxy(redis.port());
                TcpProxy otherNetwork = new TcpProxy(redis.port());
                Pod one = pod(redis, network, config);
                Pod two = pod(redis, otherNetwork, config)) {
            assertThat(onSluice(one, two, redis)).isEqualTo(SHOWN);
            // The client arrives before the other pod has read what the first one has sent, or has heard from it.
            network.slowDown(Duration.ofMillis(30), PIECE);
            otherNetwork.slowDown(Duration.ofMillis(150), PIECE);
            assertThat(onSluice(one, two, redis)).as("with slow networks").isEqualTo(SHOWN);
            assertThat(onReplacedServer(server, redis)).isEqualTo(SHOWN);
        }
    }

    private static Pod pod(Redis redis, TcpProxy network, Map<String, String> config) {
        Map<String, String> all = new HashMap<>(config);
        all.put("quarkus.redis.hosts", network.redisUri());
        return Pod.ready(redis, all);
    }

    private String onSluice(Pod one, Pod two, Redis redis) {
        return shown(
                one.webSocket("/ws/uploads").toString(),
                two.webSocket("/ws/uploads").toString(),
                redis);
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
