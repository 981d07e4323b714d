package dev.sluice.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.LabelSelector;
import io.fabric8.kubernetes.api.model.LabelSelectorBuilder;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.ServicePort;
import io.fabric8.kubernetes.api.model.TopologySpreadConstraint;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscaler;
import io.fabric8.kubernetes.api.model.networking.v1.HTTPIngressPath;
import io.fabric8.kubernetes.api.model.networking.v1.Ingress;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyIngressRule;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyPeer;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import io.fabric8.openshift.api.model.monitoring.v1.ServiceMonitor;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Tests that references by label or name have a target. */
class SelectorsTest {

    static final Set<String> CLIENT_PATHS = Set.of("/ws", "/sse", "/connection/websocket", "/api");

    static Stream<Applied> all() {
        return Applied.all();
    }

    @ParameterizedTest
    @MethodSource("all")
    void selectorsMatchThePodsOfSluice(Applied applied) {
        Map<String, String> pod = labels(DeploymentTest.sluice(applied));
        Stream<LabelSelector> selectors = Stream.of(
                        applied.all(PodDisruptionBudget.class).stream()
                                .map(budget -> budget.getSpec().getSelector()),
                        applied.all(NetworkPolicy.class).stream()
                                .map(policy -> policy.getSpec().getPodSelector()),
                        DeploymentTest.sluice(applied)
                                .getSpec()
                                .getTemplate()
                                .getSpec()
                                .getTopologySpreadConstraints()
                                .stream()
                                .map(TopologySpreadConstraint::getLabelSelector))
                .flatMap(stream -> stream);
        assertThat(selectors)
                .hasSize(4)
                .allSatisfy(selector -> assertThat(selector.getMatchLabels()).isEqualTo(pod));
    }

    @ParameterizedTest
    @MethodSource("all")
    void deploymentsSelectTheirOwnPods(Applied applied) {
        assertThat(applied.all(Deployment.class))
                .extracting(deployment -> deployment.getSpec().getSelector().getMatchLabels())
                .doesNotHaveDuplicates();
        assertThat(applied.all(Deployment.class))
                .allSatisfy(deployment -> assertThat(
                                deployment.getSpec().getSelector().getMatchLabels())
                        .isNotEmpty()
                        .isEqualTo(labels(deployment)));
        assertThat(applied.all(ServiceAccount.class))
                .extracting(account -> account.getMetadata().getName())
                .contains(DeploymentTest.sluice(applied)
                        .getSpec()
                        .getTemplate()
                        .getSpec()
                        .getServiceAccountName());
    }

    @ParameterizedTest
    @MethodSource("all")
    void servicesSelectAPodWithTheirPorts(Applied applied) {
        assertThat(applied.all(Service.class)).isNotEmpty().allSatisfy(service -> {
            List<PodTemplateSpec> pods = applied.all(Deployment.class).stream()
                    .map(deployment -> deployment.getSpec().getTemplate())
                    .filter(pod -> pod.getMetadata()
                            .getLabels()
                            .equals(service.getSpec().getSelector()))
                    .toList();
            assertThat(pods)
                    .singleElement()
                    .satisfies(pod -> assertThat(
                                    pod.getSpec().getContainers().get(0).getPorts())
                            .extracting(ContainerPort::getName)
                            .containsAll(service.getSpec().getPorts().stream()
                                    .map(port -> port.getTargetPort().getStrVal())
                                    .toList()));
        });
    }

    @Test
    void podsMayReachTheRedisOfDev() {
        Applied dev = Applied.dev();
        URI hosts = URI.create(dev.environment().get("QUARKUS_REDIS_HOSTS"));
        Service redis = dev.all(Service.class).stream()
                .filter(service -> service.getMetadata().getName().equals(hosts.getHost()))
                .findFirst()
                .orElseThrow();
        assertThat(redis.getSpec().getPorts()).extracting(ServicePort::getPort).containsExactly(hosts.getPort());
        assertThat(dev.all(NetworkPolicy.class))
                .flatExtracting(policy -> policy.getSpec().getEgress())
                .anySatisfy(rule -> {
                    assertThat(rule.getTo())
                            .extracting(NetworkPolicyPeer::getPodSelector)
                            .containsExactly(new LabelSelectorBuilder()
                                    .withMatchLabels(redis.getSpec().getSelector())
                                    .build());
                    assertThat(rule.getPorts())
                            .extracting(port -> port.getPort().getIntVal())
                            .containsExactly(hosts.getPort());
                });
    }

    @ParameterizedTest
    @MethodSource("all")
    void monitorsSelectAServiceWithTheirPort(Applied applied) {
        assertThat(applied.all(ServiceMonitor.class)).allSatisfy(monitor -> {
            Service service = applied.all(Service.class).stream()
                    .filter(candidate -> candidate
                            .getMetadata()
                            .getLabels()
                            .entrySet()
                            .containsAll(monitor.getSpec()
                                    .getSelector()
                                    .getMatchLabels()
                                    .entrySet()))
                    .findFirst()
                    .orElseThrow();
            assertThat(monitor.getSpec().getEndpoints()).singleElement().satisfies(endpoint -> {
                assertThat(endpoint.getPath()).isEqualTo("/q/metrics");
                assertThat(service.getSpec().getPorts())
                        .extracting(ServicePort::getName)
                        .contains(endpoint.getPort());
            });
        });
    }

    @ParameterizedTest
    @MethodSource("all")
    void onlyMonitoringMayReachTheManagementPort(Applied applied) {
        List<NetworkPolicyIngressRule> rules = applied.all(NetworkPolicy.class).stream()
                .filter(policy -> policy.getMetadata().getName().equals("sluice"))
                .flatMap(policy -> policy.getSpec().getIngress().stream())
                .toList();
        assertThat(rules).isNotEmpty().allSatisfy(rule -> {
            List<String> ports = rule.getPorts().stream()
                    .map(port -> port.getPort().getStrVal())
                    .toList();
            List<String> namespaces = rule.getFrom().stream()
                    .map(peer -> peer.getNamespaceSelector().getMatchLabels().get("kubernetes.io/metadata.name"))
                    .toList();
            if (namespaces.contains("monitoring")) {
                assertThat(ports).containsExactly("management");
                assertThat(namespaces).containsExactly("monitoring");
            } else {
                assertThat(ports).containsExactly("http");
            }
        });
    }

    @ParameterizedTest
    @MethodSource("all")
    void autoscalerTargetsTheDeployment(Applied applied) {
        assertThat(applied.all(HorizontalPodAutoscaler.class)).allSatisfy(autoscaler -> {
            assertThat(autoscaler.getSpec().getScaleTargetRef().getKind()).isEqualTo("Deployment");
            assertThat(autoscaler.getSpec().getScaleTargetRef().getName())
                    .isEqualTo(DeploymentTest.sluice(applied).getMetadata().getName());
        });
    }

    @ParameterizedTest
    @MethodSource("all")
    void ingressExposesOnlyClientPaths(Applied applied) {
        List<HTTPIngressPath> paths = applied.all(Ingress.class).stream()
                .flatMap(ingress -> ingress.getSpec().getRules().stream())
                .flatMap(rule -> rule.getHttp().getPaths().stream())
                .toList();
        assertThat(paths).allSatisfy(path -> {
            assertThat(path.getPath()).isIn(CLIENT_PATHS);
            assertThat(path.getPathType()).isEqualTo("Prefix");
            assertThat(applied.all(Service.class)).anySatisfy(service -> {
                assertThat(service.getMetadata().getName())
                        .isEqualTo(path.getBackend().getService().getName());
                assertThat(service.getSpec().getPorts())
                        .extracting(ServicePort::getName)
                        .contains(path.getBackend().getService().getPort().getName());
            });
        });
        assertThat(applied.all(Ingress.class)).allSatisfy(ingress -> {
            assertThat(ingress.getSpec().getDefaultBackend()).isNull();
            assertThat(paths).extracting(HTTPIngressPath::getPath).contains("/ws", "/sse", "/connection/websocket");
        });
    }

    private static Map<String, String> labels(Deployment deployment) {
        return deployment.getSpec().getTemplate().getMetadata().getLabels();
    }
}
