package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Tokens;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tests which sources set a key, and how misspelt settings are reported. */
class ConfigurationIT {

    @AutoClose
    private static final Stage STAGE = Stage.takeRedis();

    static final String UNREAD = "environment variables that set no configuration key";

    private static final Map<String, String> NEEDED = Map.of(
            "quarkus.redis.hosts",
            STAGE.redis().uri(),
            "mp.jwt.verify.publickey.location",
            Tokens.publicKeyFile().toString());

    @Test
    void filesBesideTheProcessAndElsewhereAndVariablesSetRoutesOfAnyPrefix(@TempDir Path folder) throws IOException {
        Files.createDirectory(folder.resolve("config"));
        write(folder.resolve("config/application.properties"), "our-team", "OurTeam");
        Path file = folder.resolve("sluice.properties");
        write(file, "from-a-file");
        Map<String, String> variables = new HashMap<>(Map.of(
                "SLUICE_MAX_FRAME", "16K",
                "SLUICE_ORIGINS", "",
                "SLUICE_LIMITS_CONNECTIONS_PER_USER", "3",
                "SLUICE_ROUTES_TEAM_AUDIENCE", "subscribers",
                "SLUICE_ROUTES_TEAM_ACCESS", "open",
                "QUARKUS_REDIS_HOST", "redis://nobody",
                "SLUICE_SERVICE_HOST", "10.0.0.1",
                "SLUICE_SERVICE_PORT_HTTP", "80",
                "SLUICE_PORT", "tcp://10.0.0.1:80"));
        variables.put("SLUICE_PORT_80_TCP_ADDR", "10.0.0.1");
        // A variable may override what a file sets.
        variables.put("SLUICE_ROUTES_OUR_TEAM_ACCESS", "claim");
        variables.put("SMALLRYE_CONFIG_LOCATIONS", file.toString());
        for (String prefix : List.of("my-team", "your_team", "TheirTeam")) {
            variables.put("sluice.routes." + prefix + ".audience", "subscribers");
            variables.put("sluice.routes." + prefix + ".access", "open");
        }
        try (Pod pod = Pod.launchedIn(folder, NEEDED, variables).awaitReady()) {
            assertRoutes(pod, "team", "my-team", "your_team", "TheirTeam", "from-a-file", "OurTeam");
            try (Client client = Client.of(pod, "7").send("{\"action\":\"subscribe\",\"channel\":\"our-team:1\"}")) {
                assertThat(client.next()).contains("\"forbidden\"");
            }
            assertThat(pod.log()).as("these variables, and those of Kubernetes").doesNotContain(UNREAD);
        }
    }

    @Tag("long")
    @Test
    void unknownKeysInAFileFailTheStart(@TempDir Path folder) throws IOException {
        List<String> keys = List.of("sluice.max-frames", "sluice.routes.my-team.audienc", "sluice.webhook.connect");
        Files.createDirectory(folder.resolve("config"));
        Files.writeString(folder.resolve("config/application.properties"), String.join("=16K\n", keys) + "=16K\n");
        try (Pod pod = Pod.launchedIn(folder, NEEDED, Map.of())) {
            assertThat(pod.exit(Duration.ofSeconds(60))).isEqualTo(1);
            assertThat(pod.log()).contains(keys);
        }
    }

    private static void write(Path file, String... prefixes) throws IOException {
        StringBuilder text = new StringBuilder();
        for (String prefix : prefixes) {
            text.append("sluice.routes.").append(prefix).append(".audience=subscribers\n");
            text.append("sluice.routes.").append(prefix).append(".access=open\n");
        }
        Files.writeString(file, text);
    }

    private static void assertRoutes(Pod pod, String... prefixes) {
        try (Client client = Client.of(pod, "7")) {
            for (String prefix : prefixes) {
                String channel = prefix + ":1";
                client.send("{\"action\":\"subscribe\",\"channel\":\"" + channel + "\"}");
                assertThat(client.next()).isEqualTo("{\"action\":\"subscribed\",\"channel\":\"" + channel + "\"}");
                STAGE.redis().publish(channel, "hello " + prefix);
                assertThat(client.next()).isEqualTo("hello " + prefix);
            }
        }
    }
}
