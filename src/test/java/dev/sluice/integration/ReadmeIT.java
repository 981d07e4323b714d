package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.harness.Client;
import dev.sluice.harness.Fork;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Runs the lines of {@code README.md} that publish, with another address. */
class ReadmeIT {

    private static final String MESSAGE = "{\"progress_percent\":50}";

    @Test
    void eachLineForBackendsPublishes() throws IOException {
        String redis = Stage.REDIS.uri();
        try (Client client = Client.of(Stage.POD, "reader").subscribe("42")) {
            Program.pythonWith("redis")
                    .run(
                            "-c",
                            "import json, redis\n"
                                    + block("python", "publish")
                                            .replace("redis.Redis()", "redis.Redis.from_url('" + redis + "')"));
            assertHears(client);
            Program.ofNode("node", Path.of("examples"))
                    .run(
                            "--input-type=module",
                            "--eval",
                            "import { Redis } from 'ioredis';\n"
                                    + block("js", "new Redis()").replace("new Redis()", "new Redis('" + redis + "')")
                                    + "process.exit();");
            assertHears(client);
            Program.java().run(javaProgram(redis).toString());
            assertHears(client);
            Program.named("redis-cli");
            Program.named("sh")
                    .run("-c", block("sh", "PUBLISH").replace("redis-cli", "redis-cli -p " + Stage.REDIS.port()));
            assertHears(client);
        }
    }

    private static Path javaProgram(String redis) throws IOException {
        String line = block("java", "publish")
                .replace("new Jedis()", "new redis.clients.jedis.Jedis(java.net.URI.create(\"" + redis + "\"))");
        return Files.writeString(
                Fork.file("Line.java"), "class Line { public static void main(String[] arguments) { " + line + " } }");
    }

    private static void assertHears(Client client) {
        assertThat(client.next().replace(": ", ":")).isEqualTo(MESSAGE);
    }

    /** Returns the block of code in this language that contains this text. */
    private static String block(String language, String containing) throws IOException {
        List<String> blocks = Pattern.compile("^```" + language + "\n(.*?)^```$", Pattern.MULTILINE | Pattern.DOTALL)
                .matcher(Files.readString(Path.of("README.md")))
                .results()
                .map(found -> found.group(1))
                .filter(code -> code.contains(containing))
                .toList();
        assertThat(blocks).as("blocks with " + containing).hasSize(1);
        return blocks.get(0);
    }
}
