package dev.sluice.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.sluice.route.Access;
import dev.sluice.route.Audience;
import dev.sluice.route.Overflow;
import dev.sluice.route.PublicationSource;
import dev.sluice.route.Retain;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscaler;
import io.fabric8.kubernetes.api.model.gatewayapi.v1.HTTPRoute;
import io.fabric8.kubernetes.api.model.networking.v1.Ingress;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import io.fabric8.openshift.api.model.monitoring.v1.PrometheusRule;
import io.fabric8.openshift.api.model.monitoring.v1.Rule;
import io.fabric8.openshift.api.model.monitoring.v1.ServiceMonitor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Tests the Helm chart: by its checked-in renderings, and with Helm where there is one. */
@Execution(ExecutionMode.CONCURRENT)
class ChartTest {

    private static final YAMLMapper YAML = new YAMLMapper();
    private static final String ROUTE_KEY = "sluice.routes.*.";
    private static final Pattern ROW = Pattern.compile("^\\| `([\\w.]+)` \\|", Pattern.MULTILINE);

    static Stream<Chart> examples() {
        return Chart.all();
    }

    @Test
    void renderingsAreOfThisChart() throws Exception {
        Map<String, String> sums = new TreeMap<>();
        for (String line : Files.readAllLines(Chart.RENDERINGS.resolve("chart.sha256"))) {
            sums.put(line.substring(66), line.substring(0, 64));
        }
        assertThat(sums).as("run .ci/chart with helm in the PATH").isEqualTo(sums());
    }

    @Test
    void helmRendersWhatIsCheckedIn(@TempDir Path folder) throws IOException {
        helm();
        assumeThat(Tool.find("sha256sum")).as("what .ci/chart runs").isPresent();
        new Tool(List.of(".ci/chart", folder.toString())).run();
        assertThat(contents(folder)).isEqualTo(contents(Chart.RENDERINGS));
    }

    private static Map<String, String> contents(Path folder) throws IOException {
        Map<String, String> contents = new TreeMap<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                contents.put(file.getFileName().toString(), Files.readString(file));
            }
        }
        return contents;
    }

    /** Helm shows the notes after an install. */
    @ParameterizedTest
    @MethodSource("examples")
    void notesNameWhatTheExampleInstalls(Chart example) {
        Deployment deployment = example.all(Deployment.class).get(0);
        String namespace = "kubectl -n sluice ";
        String name = " deployment/" + deployment.getMetadata().getName();
        String selector = deployment.getSpec().getSelector().getMatchLabels().entrySet().stream()
                .map(label -> label.getKey() + "=" + label.getValue())
                .collect(Collectors.joining(","));
        assertThat(example.notes().lines().map(String::strip))
                .contains(
                        deployment
                                        .getSpec()
                                        .getTemplate()
                                        .getSpec()
                                        .getContainers()
                                        .get(0)
                                        .getImage() + " is installed as sluice in the namespace sluice.",
                        namespace + "rollout status" + name,
                        namespace + "logs --prefix --tail 5 --selector " + selector,
                        namespace + "port-forward" + name + " 9000");
        List<String> hosts = Stream.concat(
                        example.all(Ingress.class).stream()
                                .flatMap(ingress -> ingress.getSpec().getRules().stream()
                                        .map(rule -> {
                                            String scheme =
                                                    ingress.getSpec().getTls().isEmpty() ? "http" : "https";
                                            return scheme + "://" + rule.getHost();
                                        })),
                        example.all(HTTPRoute.class).stream()
                                .flatMap(route -> route.getSpec().getHostnames().stream())
                                .map("https://"::concat))
                .toList();
        assertThat(example.notes())
                .contains("-m 2 " + (hosts.isEmpty() ? "http://localhost:8080" : hosts.get(0)) + "/ws \\\n");
        assertThat(example.notes().contains("No proxy leads clients here")).isEqualTo(hosts.isEmpty());
    }

    @ParameterizedTest
    @MethodSource("examples")
    void helmFindsNothingWrong(Chart example) {
        assertThat(helm("lint", Chart.FOLDER.toString())
                        .run(
                                "--strict",
                                "--kube-version",
                                "1.30.0",
                                "--values",
                                example.file().toString()))
                .contains("0 chart(s) failed");
    }

    @ParameterizedTest
    @CsvSource({
        "replica=2, replica",
        "image.tga=1, tga",
        "routes.team.access=all, access",
        "paths[0]=/q/health, paths: /q/health would make probes or metrics public",
        "config.SLUICE_DRAIN_PERIOD=1s, config.SLUICE_DRAIN_PERIOD",
        "gateway.enabled=true, gateway.parentRefs",
        "routes.team.retain=last, routes.team.audience",
        "routes.team.audience=subscribers, routes.team.access",
        "redis.url=rediss://redis:6380, networkPolicy.redis.ports",
        "config.SLUICE_DRAIN_PERIOD=1s, drain.periodSeconds",
        "config.sluice\\.routes\\.upload\\.access=open|routes.upload.access=claim, set routes.upload.access",
        "routes.order.audience=subscribers, 'open, claim, owner or webhook'",
        "jwt.publicKeySecret=, jwt.jwksUrl",
        "routes.team.audience=subscribers|routes.team.access=webhook, config.SLUICE_WEBHOOK_URL",
        "config.SLUICE_WEBHOOK_URL=http://user@backend:3001/may-listen?from=https://a:443, SLUICE_WEBHOOK_URL has port 3001",
        "config.SLUICE_WEBHOOK_CONNECT_URL=http://backend, SLUICE_WEBHOOK_CONNECT_URL has port 80",
        "jwt.jwksUrl=https://keys:8443/jwks, networkPolicy.extraEgress",
        "routes.upload.source=stream, routes.upload.retain",
        "routes.user.source=both|config.QUARKUS_REDIS_CLIENT_TYPE=cluster, routes.user.source",
        "autoscaling.enabled=true|autoscaling.minReplicas=21, maxReplicas",
    })
    void wrongValueIsRefused(String value, String named) {
        assertThat(helm("template", Chart.FOLDER.toString())
                        .refuse("--kube-version", "1.30.0", "--set", value.replace('|', ',')))
                .contains(named);
    }

    @Test
    void exampleForHaproxyIsWhatKustomizeAppliesToProduction() {
        Applied chart = Applied.chart("haproxy");
        Applied prod = Applied.prod();
        for (Class<? extends HasMetadata> kind : List.of(
                Deployment.class,
                Service.class,
                PodDisruptionBudget.class,
                NetworkPolicy.class,
                HorizontalPodAutoscaler.class,
                Ingress.class,
                ServiceMonitor.class)) {
            assertThat(comparable(chart, kind)).as(kind.getSimpleName()).isEqualTo(comparable(prod, kind));
        }
        Map<String, String> variables = prod.environment();
        variables.put("SLUICE_DRAIN_PERIOD", Configuration.valueByDefault("sluice.drain.period"));
        variables.keySet().remove("dashboard.json");
        assertThat(chart.environment()).isEqualTo(variables);
    }

    @ParameterizedTest
    @CsvSource({
        "replicas=2, app.kubernetes.io/name, redis",
        "networkPolicy.redis.namespace=data, app.kubernetes.io/name, redis",
        "networkPolicy.redis.podLabels.app=valkey, app, valkey",
    })
    void networkPolicySelectsPodsOfRedisByTheGivenLabelsOnly(String value, String label, String labelled) {
        List<Object> rendered = Manifests.parse(helm("template", "sluice", Chart.FOLDER.toString())
                .run("--kube-version=1.30.0", "--set=" + value, "--show-only=templates/networkpolicy.yaml"));
        assertThat(((NetworkPolicy) rendered.get(0)).getSpec().getEgress())
                .filteredOn(rule -> rule.getPorts().get(0).getPort().getIntVal().equals(6379))
                .flatExtracting(rule -> rule.getTo())
                .singleElement()
                .satisfies(to -> assertThat(to.getPodSelector().getMatchLabels())
                        .containsExactlyEntriesOf(Map.of(label, labelled)));
    }

    @ParameterizedTest
    @CsvSource({"className=traefik, traefik", "host=app.example.org,"})
    void otherIngressControllerGetsNoAnnotations(String value, @Nullable String className) {
        List<Object> rendered = Manifests.parse(helm("template", "sluice", Chart.FOLDER.toString())
                .run(
                        "--kube-version=1.30.0",
                        "--set=ingress.enabled=true,ingress.controller=other,ingress." + value,
                        "--show-only=templates/ingress.yaml"));
        Ingress ingress = (Ingress) rendered.get(0);
        assertThat(ingress.getMetadata().getAnnotations()).isNullOrEmpty();
        assertThat(ingress.getSpec().getIngressClassName()).isEqualTo(className);
    }

    @Test
    void networkPolicyWithoutPlacesOfRedisAllowsItsPortEverywhere() {
        List<Object> rendered = Manifests.parse(helm("template", "sluice", Chart.FOLDER.toString())
                .run(
                        "--kube-version=1.30.0",
                        "--set=networkPolicy.redis.podLabels=null",
                        "--show-only=templates/networkpolicy.yaml"));
        assertThat(((NetworkPolicy) rendered.get(0)).getSpec().getEgress())
                .filteredOn(rule -> rule.getTo().isEmpty())
                .flatExtracting(rule -> rule.getPorts())
                .extracting(port -> port.getPort().getIntVal())
                .containsExactly(6379, 443);
    }

    @Test
    void alertsAndDashboardAreThoseOfKustomize() throws IOException {
        for (String file : List.of("rules.yaml", "dashboard.json")) {
            assertThat(Files.isSameFile(
                            Chart.FOLDER.resolve("files").resolve(file),
                            Applied.ROOT.resolve("components/monitoring").resolve(file)))
                    .as(file)
                    .isTrue();
        }
        List<Object> rendered = Manifests.parse(helm("template", "sluice", Chart.FOLDER.toString())
                .run(
                        "--kube-version=1.30.0",
                        "--set=connections=5000,monitoring.alerts=true,monitoring.dashboard=true",
                        "--show-only=templates/monitoring.yaml"));
        assertThat(rendered).hasSize(2);
        PrometheusRule rule = (PrometheusRule) rendered.get(rendered.get(0) instanceof PrometheusRule ? 0 : 1);
        Map<String, String> expected =
                expressions(Applied.prod().all(PrometheusRule.class).get(0));
        expected.computeIfPresent("SluiceNearlyFull", (alert, expression) -> expression.replace("16000", "4000"));
        assertThat(expressions(rule)).isEqualTo(expected);
    }

    @ParameterizedTest
    @MethodSource("examples")
    void gatewayRoutesOnlyClientPathsWithoutATimeout(Chart example) {
        assertThat(example.all(HTTPRoute.class))
                .hasSize(example.values().equals("gateway") ? 1 : 0)
                .flatExtracting(route -> route.getSpec().getRules())
                .allSatisfy(rule -> {
                    assertThat(rule.getMatches()).isNotEmpty().allSatisfy(match -> {
                        assertThat(match.getPath().getType()).isEqualTo("PathPrefix");
                        assertThat(match.getPath().getValue()).isIn(SelectorsTest.CLIENT_PATHS);
                    });
                    assertThat(rule.getTimeouts().getRequest()).isEqualTo("0s");
                    assertThat(rule.getTimeouts().getBackendRequest()).isEqualTo("0s");
                    assertThat(rule.getBackendRefs()).singleElement().satisfies(backend -> {
                        Service service = example.all(Service.class).get(0);
                        assertThat(backend.getName())
                                .isEqualTo(service.getMetadata().getName());
                        assertThat(service.getSpec().getPorts())
                                .filteredOn(port -> port.getName().equals("http"))
                                .extracting(port -> port.getPort())
                                .containsExactly(backend.getPort());
                    });
                });
    }

    @Test
    void readmeListsEveryValue() throws IOException {
        JsonNode schema = YAML.readTree(Files.readString(Chart.FOLDER.resolve("values.schema.json")));
        JsonNode values = YAML.readTree(Files.readString(Chart.FOLDER.resolve("values.yaml")));
        Set<String> keys = new TreeSet<>();
        collect("", schema, keys);
        keys.remove("global");
        assertThat(ROW.matcher(Files.readString(Chart.FOLDER.resolve("README.md")))
                        .results()
                        .map((MatchResult row) -> row.group(1)))
                .containsExactlyInAnyOrderElementsOf(keys);
        assertThat(keys)
                .allSatisfy(key -> assertThat(
                                values.at("/" + key.replace('.', '/')).isMissingNode())
                        .isFalse());
    }

    @Test
    void routesTakeEveryKeyAndValue() throws IOException {
        Map<String, Enum<?>[]> values = Map.of(
                "audience", Audience.values(),
                "access", Access.values(),
                "overflow", Overflow.values(),
                "retain", Retain.values(),
                "source", PublicationSource.values());
        Map<String, List<String>> expected = new TreeMap<>();
        for (String key : Configuration.defaults().keySet()) {
            if (key.startsWith(ROUTE_KEY)) {
                String name = key.substring(ROUTE_KEY.length());
                expected.put(name, names(values.getOrDefault(name, new Enum<?>[0])));
            }
        }
        Map<String, List<String>> actual = new TreeMap<>();
        YAML.readTree(Files.readString(Chart.FOLDER.resolve("values.schema.json")))
                .at("/properties/routes/additionalProperties/properties")
                .properties()
                .forEach(key -> actual.put(
                        key.getKey(),
                        key.getValue()
                                .path("enum")
                                .valueStream()
                                .map(JsonNode::asText)
                                .sorted()
                                .toList()));
        assertThat(actual).isEqualTo(expected);
    }

    private static List<String> names(Enum<?>... values) {
        return Stream.of(values)
                .map(value -> value.name().toLowerCase(Locale.ROOT))
                .sorted()
                .toList();
    }

    private static void collect(String prefix, JsonNode schema, Set<String> keys) {
        schema.path("properties").properties().forEach(property -> {
            String key = prefix + property.getKey();
            if (property.getValue().has("properties")) {
                collect(key + ".", property.getValue(), keys);
            } else {
                keys.add(key);
            }
        });
    }

    /** Returns what must not differ: everything but names of images, and labels and annotations of Helm. */
    private static JsonNode comparable(Applied applied, Class<? extends HasMetadata> kind) {
        HasMetadata model = applied.all(kind).get(0);
        ObjectNode tree = YAML.valueToTree(model);
        ((ObjectNode) tree.path("metadata")).remove("labels");
        tree.findParents("app.kubernetes.io/instance")
                .forEach(labels -> ((ObjectNode) labels).remove("app.kubernetes.io/instance"));
        ObjectNode spec = (ObjectNode) tree.path("spec");
        spec.remove(List.of("replicas", "jobLabel"));
        if (model instanceof Deployment) {
            ((ObjectNode) spec.path("template").path("metadata")).remove("annotations");
            ((ObjectNode) spec.path("template").path("spec").path("containers").path(0))
                    .remove(List.of("image", "imagePullPolicy", "envFrom"));
        }
        return tree;
    }

    private static Map<String, String> expressions(PrometheusRule rule) {
        return rule.getSpec().getGroups().stream()
                .flatMap(group -> group.getRules().stream())
                .collect(Collectors.toMap(
                        Rule::getAlert, alert -> alert.getExpr().getStrVal(), (a, b) -> a, TreeMap::new));
    }

    private static Map<String, String> sums() throws IOException, NoSuchAlgorithmException {
        Map<String, String> sums = new TreeMap<>();
        try (Stream<Path> files = Files.walk(Chart.FOLDER)) {
            for (Path file : files.filter(path -> Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS))
                    .filter(path -> path.toString().matches(".*/(Chart|values)\\.yaml|.*/(ci|templates)/.*"))
                    .toList()) {
                MessageDigest digest = MessageDigest.getInstance("SHA-256");
                sums.put(file.toString(), HexFormat.of().formatHex(digest.digest(Files.readAllBytes(file))));
            }
        }
        return sums;
    }

    private static Tool helm(String... arguments) {
        var helm = Tool.find("helm", arguments);
        assumeThat(helm).as("Not rendered, as there is no helm here").isPresent();
        return helm.orElseThrow();
    }
}
