package dev.sluice.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscaler;
import io.fabric8.kubernetes.api.model.networking.v1.Ingress;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import io.fabric8.openshift.api.model.monitoring.v1.PrometheusRule;
import io.fabric8.openshift.api.model.monitoring.v1.ServiceMonitor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tests that kustomize's files in k8s/ are valid and used. */
class ManifestsTest {

    @Test
    void everyFileIsReferencedAndValid() throws IOException {
        try (Stream<Path> files = Files.walk(Applied.ROOT)) {
            assertThat(Kustomized.all()
                            .flatMap(applied -> applied.files().keySet().stream())
                            .distinct())
                    .containsExactlyInAnyOrderElementsOf(files.filter(Files::isRegularFile)
                            .filter(file -> !file.startsWith(Chart.FOLDER.getParent()))
                            .filter(file -> !file.endsWith("README.md"))
                            .toList());
        }
    }

    @Test
    void productionHasOneResourceOfEachKind() {
        assertThat(List.of(
                        Deployment.class,
                        Service.class,
                        ServiceAccount.class,
                        PodDisruptionBudget.class,
                        NetworkPolicy.class,
                        HorizontalPodAutoscaler.class,
                        Ingress.class,
                        ServiceMonitor.class,
                        PrometheusRule.class))
                .allSatisfy(kind -> assertThat(Applied.prod().all(kind)).hasSize(1));
    }

    @ParameterizedTest
    @CsvSource({
        "minReadySeconds, minReadySecond, minReadySecond",
        "readOnlyRootFilesystem, readonlyRootFilesystem, readonlyRootFilesystem",
        "drop: [ALL], drops: [ALL], drops",
        "value: 30s, value: 30, String",
        "value: 30s, value: true, String",
        "name: sluice, 'name: sluice, name: other', name",
        "Deployment, Deployments, Deployments of apps/v1",
    })
    void misspeltFieldIsDetected(String right, String wrong, String said) {
        String deployment = """
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: sluice}
                spec:
                  minReadySeconds: 10
                  template:
                    spec:
                      containers:
                        - env: [{name: A, value: 30s}]
                          securityContext:
                            readOnlyRootFilesystem: true
                            capabilities: {drop: [ALL]}
                """;
        assertThat(Manifests.parse(deployment)).hasSize(1);
        assertThatThrownBy(() -> Manifests.parse(deployment.replace(right, wrong)))
                .hasMessageContaining(said);
    }
}
