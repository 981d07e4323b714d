package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.deploy.Applied;
import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Redis;
import dev.sluice.harness.Tokens;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.openshift.api.model.monitoring.v1.Endpoint;
import io.fabric8.openshift.api.model.monitoring.v1.ServiceMonitor;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** A pod with the variables that the Kubernetes manifests set, and a Redis with their options. */
class ManifestIT {

    @Test
    void podServesProbesAndPortsOfTheManifests() {
        Applied prod = Applied.prod();
        Map<String, String> variables = prod.environment();
        try (Redis redis = Redis.withOptions(redisOptions())) {
            variables.put("QUARKUS_REDIS_HOSTS", redis.uri());
            variables.put(
                    "MP_JWT_VERIFY_PUBLICKEY_LOCATION", Tokens.publicKeyFile().toString());
            try (Pod pod = Pod.launched(Map.of(), variables).awaitReady();
                    Client client = Client.of(pod, "7")) {
                assertThat(paths(prod)).hasSize(4).allMatch(path -> pod.status(path) == 200);
                assertThat(pod.metric("netty_eventexecutor_workers{executor=\"eventLoop\"}"))
                        .isEqualTo(2);
                assertThat(Client.refusal(pod.webSocket("/ws"), Map.of("Origin", "https://other.example.org")))
                        .isEqualTo(403);
                redis.publish("user:7", "hello");
                assertThat(client.next()).isEqualTo("hello");
            }
        }
    }

    private static Stream<String> paths(Applied applied) {
        Container container = container(applied, "sluice");
        return Stream.concat(
                Stream.of(container.getStartupProbe(), container.getReadinessProbe(), container.getLivenessProbe())
                        .map(probe -> probe.getHttpGet().getPath()),
                applied.all(ServiceMonitor.class).stream()
                        .flatMap(monitor -> monitor.getSpec().getEndpoints().stream())
                        .map(Endpoint::getPath));
    }

    private static String[] redisOptions() {
        return container(Applied.dev(), "redis").getArgs().toArray(String[]::new);
    }

    private static Container container(Applied applied, String deployment) {
        return applied.all(Deployment.class).stream()
                .filter(candidate -> candidate.getMetadata().getName().equals(deployment))
                .findFirst()
                .orElseThrow()
                .getSpec()
                .getTemplate()
                .getSpec()
                .getContainers()
                .get(0);
    }
}
