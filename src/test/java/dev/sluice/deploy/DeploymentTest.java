package dev.sluice.deploy;

import static io.quarkus.runtime.configuration.DurationConverter.parseDuration;
import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Probe;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscaler;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Tests the pods of the Deployment. */
@Execution(ExecutionMode.CONCURRENT)
class DeploymentTest {

    static Stream<Applied> all() {
        return Applied.all();
    }

    @ParameterizedTest
    @MethodSource("all")
    void podsHaveMinimalPrivileges(Applied applied) {
        assertThat(applied.all(Deployment.class)).isNotEmpty().allSatisfy(deployment -> {
            PodSpec pod = deployment.getSpec().getTemplate().getSpec();
            assertThat(pod.getAutomountServiceAccountToken()).isFalse();
            assertThat(pod.getSecurityContext().getRunAsNonRoot()).isTrue();
            assertThat(pod.getSecurityContext().getRunAsUser()).isPositive();
            assertThat(pod.getSecurityContext().getSeccompProfile().getType()).isEqualTo("RuntimeDefault");
            assertThat(Stream.of(pod.getHostNetwork(), pod.getHostPID(), pod.getHostIPC()))
                    .containsOnlyNulls();
            assertThat(pod.getInitContainers()).isEmpty();
            assertThat(pod.getContainers()).isNotEmpty().allSatisfy(DeploymentTest::isConfined);
        });
        assertThat(applied.all(ServiceAccount.class))
                .allSatisfy(account ->
                        assertThat(account.getAutomountServiceAccountToken()).isFalse());
    }

    private static void isConfined(Container container) {
        assertThat(container.getSecurityContext().getAllowPrivilegeEscalation()).isFalse();
        assertThat(container.getSecurityContext().getReadOnlyRootFilesystem()).isTrue();
        assertThat(container.getSecurityContext().getPrivileged()).isNull();
        assertThat(container.getSecurityContext().getRunAsUser()).isNull();
        assertThat(container.getSecurityContext().getCapabilities().getDrop()).containsExactly("ALL");
        assertThat(container.getSecurityContext().getCapabilities().getAdd()).isEmpty();
        assertThat(container.getResources().getLimits())
                .extractingByKey("memory")
                .isNotNull()
                .isEqualTo(container.getResources().getRequests().get("memory"));
    }

    @ParameterizedTest
    @MethodSource("all")
    void podsRunAsTheUserOfTheImage(Applied applied) throws IOException {
        String user = "USER "
                + sluice(applied)
                        .getSpec()
                        .getTemplate()
                        .getSpec()
                        .getSecurityContext()
                        .getRunAsUser();
        for (String image : List.of("Dockerfile.jvm", "Dockerfile.native")) {
            assertThat(Files.readAllLines(Path.of("src/main/docker", image)))
                    .filteredOn(line -> line.startsWith("USER"))
                    .containsExactly(user);
        }
    }

    @ParameterizedTest
    @MethodSource("all")
    void imagesExposeThePortsOfThePods(Applied applied) throws IOException {
        PodSpec pod = sluice(applied).getSpec().getTemplate().getSpec();
        String ports = container(pod).getPorts().stream()
                .map(port -> port.getContainerPort().toString())
                .collect(Collectors.joining(" ", "EXPOSE ", ""));
        for (String image : List.of("Dockerfile.jvm", "Dockerfile.native")) {
            assertThat(Files.readAllLines(Path.of("src/main/docker", image))).contains(ports);
        }
    }

    @ParameterizedTest
    @MethodSource("all")
    void nettyCanWriteItsLibrary(Applied applied) {
        PodSpec pod = sluice(applied).getSpec().getTemplate().getSpec();
        assertThat(container(pod).getVolumeMounts()).anySatisfy(mount -> {
            assertThat(mount.getMountPath()).isEqualTo("/tmp");
            assertThat(mount.getReadOnly()).isNotEqualTo(true);
            assertThat(pod.getVolumes()).anySatisfy(volume -> {
                assertThat(volume.getName()).isEqualTo(mount.getName());
                assertThat(volume.getEmptyDir()).isNotNull();
            });
        });
    }

    @ParameterizedTest
    @MethodSource("all")
    void everyVariableSetsAKnownKey(Applied applied) {
        PodSpec pod = sluice(applied).getSpec().getTemplate().getSpec();
        // A Service's own variables are not keys.
        assertThat(pod.getEnableServiceLinks()).isFalse();
        assertThat(container(pod).getEnv())
                .allSatisfy(variable ->
                        assertThat(variable.getValueFrom().getSecretKeyRef()).isNotNull())
                .extracting(EnvVar::getName)
                .allMatch(name ->
                        List.of("QUARKUS_REDIS_HOSTS", "QUARKUS_REDIS_PASSWORD").contains(name));
        // Keys of routes are not in capitals in the chart.
        assertThat(applied.environment().keySet().stream()
                        .map(name -> name.startsWith("sluice.")
                                ? name.toUpperCase(Locale.ROOT).replaceAll("[^A-Z0-9]", "_")
                                : name)
                        .filter(name -> name.startsWith("SLUICE_")))
                .contains("SLUICE_DRAIN_DELAY")
                .allMatch(Configuration::knows);
        assertThat(Configuration.knows("SLUICE_ROUTES_TEAM_AUDIENCE")).isTrue();
        assertThat(Stream.of("SLUICE_PORT", "SLUICE_ROUTES_TEAM_AUDIENC", "XSLUICE_ORIGINS"))
                .noneMatch(Configuration::knows);
    }

    @ParameterizedTest
    @MethodSource("all")
    void gracePeriodCoversTheDrain(Applied applied) {
        Map<String, String> variables = applied.environment();
        Duration delay = parseDuration(variables.get("SLUICE_DRAIN_DELAY"));
        Duration period = parseDuration(
                variables.getOrDefault("SLUICE_DRAIN_PERIOD", Configuration.valueByDefault("sluice.drain.period")));
        assertThat(delay).isEqualTo(Duration.ofSeconds(5));
        assertThat(period).isPositive();
        assertThat(Duration.ofSeconds(
                        sluice(applied).getSpec().getTemplate().getSpec().getTerminationGracePeriodSeconds()))
                .isGreaterThan(delay.plus(period).plusSeconds(3));
    }

    @ParameterizedTest
    @MethodSource("all")
    void updateStopsAPodOnlyAfterAnotherIsReady(Applied applied) {
        Deployment deployment = sluice(applied);
        assertThat(deployment.getSpec().getMinReadySeconds()).isPositive();
        assertThat(deployment
                        .getSpec()
                        .getStrategy()
                        .getRollingUpdate()
                        .getMaxUnavailable()
                        .getIntVal())
                .isZero();
        Container container = container(deployment.getSpec().getTemplate().getSpec());
        List<Probe> probes =
                List.of(container.getStartupProbe(), container.getReadinessProbe(), container.getLivenessProbe());
        assertThat(probes).allSatisfy(probe -> {
            assertThat(probe.getHttpGet().getPort().getStrVal()).isEqualTo("management");
            assertThat(probe.getTimeoutSeconds()).isGreaterThan(1);
        });
        assertThat(probes)
                .extracting(probe -> probe.getHttpGet().getPath())
                .containsExactly("/q/health/started", "/q/health/ready", "/q/health/live");
    }

    static Stream<Applied> rendered() {
        return Applied.all().filter(Applied::rendered);
    }

    @ParameterizedTest
    @MethodSource("rendered")
    void autoscaledDeploymentHasNoReplicas(Applied rendered) {
        boolean scaled = !rendered.all(HorizontalPodAutoscaler.class).isEmpty();
        assertThat(sluice(rendered).getSpec().getReplicas() == null).isEqualTo(scaled);
    }

    static Deployment sluice(Applied applied) {
        return applied.all(Deployment.class).stream()
                .filter(deployment -> deployment.getMetadata().getName().equals("sluice"))
                .findFirst()
                .orElseThrow();
    }

    private static Container container(PodSpec pod) {
        assertThat(pod.getContainers()).hasSize(1);
        return pod.getContainers().get(0);
    }
}
