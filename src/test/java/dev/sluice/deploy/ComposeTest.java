package dev.sluice.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Checks compose.yaml against the repository, without Docker. */
class ComposeTest {

    private static JsonNode services;

    @BeforeAll
    static void read() throws IOException {
        services = YAMLMapper.builder()
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .build()
                .readTree(Files.readString(Path.of("compose.yaml")))
                .path("services");
    }

    @Test
    void redisIsThatOfDevelopmentInKubernetes() {
        Container redis = Applied.dev().all(Deployment.class).stream()
                .filter(deployment -> deployment.getMetadata().getName().equals("redis"))
                .map(deployment -> deployment
                        .getSpec()
                        .getTemplate()
                        .getSpec()
                        .getContainers()
                        .get(0))
                .findFirst()
                .orElseThrow();
        List<String> command = new ArrayList<>(redis.getCommand());
        command.addAll(redis.getArgs());
        assertThat(services.path("redis").path("image").asText()).isEqualTo(redis.getImage());
        assertThat(texts(services.path("redis").path("command"))).isEqualTo(command);
    }

    @Test
    void sluiceGetsKnownKeysAndItsPortsAreReachable() throws IOException {
        JsonNode sluice = services.path("sluice");
        assertThat(sluice.path("environment").properties())
                .extracting(variable -> variable.getKey())
                .filteredOn(name -> name.startsWith("SLUICE_"))
                .isNotEmpty()
                .allMatch(Configuration::knows);
        String dockerfile =
                Files.readString(Path.of(sluice.path("build").path("dockerfile").asText()));
        for (String port : texts(sluice.path("ports"))) {
            assertThat(dockerfile).containsPattern("EXPOSE .*\\b" + port.substring(port.lastIndexOf(':') + 1));
        }
        sluice.path("depends_on")
                .properties()
                .forEach(needed -> assertThat(services.path(needed.getKey()).has("healthcheck"))
                        .as(needed.getKey())
                        .isTrue());
    }

    @Test
    void sluiceAcceptsThePageAndItsTokens() {
        JsonNode page = services.path("page");
        JsonNode sluice = services.path("sluice").path("environment");
        String port = page.path("environment").path("PORT").asText();
        assertThat(texts(page.path("ports"))).containsExactly("127.0.0.1:" + port + ":" + port);
        assertThat(sluice.path("SLUICE_ORIGINS").asText()).isEqualTo("http://localhost:" + port);
        assertThat(Path.of(sluice.path("MP_JWT_VERIFY_PUBLICKEY_LOCATION").asText()))
                .isEqualTo(Path.of(page.path("environment").path("PRIVATE_KEY").asText())
                        .resolveSibling("publickey.pem"));
    }

    @Test
    void everyMountedFileExists() {
        List<String> mounted = texts(services.path("page").path("volumes")).stream()
                .filter(volume -> volume.startsWith("./"))
                .map(volume -> volume.substring(0, volume.indexOf(':')))
                .toList();
        assertThat(mounted)
                .isNotEmpty()
                .allSatisfy(file -> assertThat(Path.of(file)).exists());
    }

    private static List<String> texts(JsonNode list) {
        return StreamSupport.stream(list.spliterator(), false)
                .map(JsonNode::asText)
                .toList();
    }
}
