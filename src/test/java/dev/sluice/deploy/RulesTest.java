package dev.sluice.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscaler;
import io.fabric8.openshift.api.model.monitoring.v1.PrometheusRule;
import io.fabric8.openshift.api.model.monitoring.v1.PrometheusRuleSpec;
import io.fabric8.openshift.api.model.monitoring.v1.Rule;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Tests that alerts fire for their cause, and that the runbook explains them. */
@Execution(ExecutionMode.CONCURRENT)
class RulesTest {

    private static final PrometheusRuleSpec SPEC =
            Applied.prod().all(PrometheusRule.class).get(0).getSpec();
    private static final List<Rule> RULES = SPEC.getGroups().stream()
            .flatMap(group -> group.getRules().stream())
            .toList();

    @Test
    void runbookExplainsEveryAlert() throws IOException {
        assertThat(Files.readAllLines(Path.of("docs/operations.md")).stream()
                        .filter(line -> line.startsWith("### Sluice"))
                        .map(line -> line.substring("### ".length())))
                .containsExactlyElementsOf(RULES.stream().map(Rule::getAlert).toList());
    }

    @Test
    void everyAlertHasASeverityAndASummary() {
        assertThat(RULES).allSatisfy(rule -> {
            assertThat(rule.getLabels()).extractingByKey("severity").isIn("critical", "warning");
            assertThat(rule.getAnnotations()).containsOnlyKeys("summary");
        });
    }

    @Test
    void alertAndAutoscalerFollowTheConnectionLimit() {
        int limit = Integer.parseInt(Applied.prod().environment().get("SLUICE_LIMITS_CONNECTIONS"));
        assertThat(RULES)
                .filteredOn(rule -> rule.getAlert().equals("SluiceNearlyFull"))
                .singleElement()
                .satisfies(rule -> assertThat(rule.getExpr().getStrVal()).endsWith(" > " + limit / 5 * 4));
        assertThat(Applied.prod().all(HorizontalPodAutoscaler.class))
                .flatExtracting(autoscaler -> autoscaler.getSpec().getMetrics())
                .filteredOn(metric -> metric.getType().equals("Pods"))
                .singleElement()
                .satisfies(metric -> assertThat(
                                metric.getPods().getTarget().getAverageValue().getNumericalAmount())
                        .isEqualByComparingTo(String.valueOf(limit / 2)));
    }

    @Test
    void everyAlertFiresOnlyForItsCause(@TempDir Path folder) throws IOException {
        Optional<Tool> promtool = Tool.find("promtool", "test", "rules");
        assumeThat(promtool)
                .as("Alerts not tested, because promtool is not installed")
                .isPresent();
        Path scenes = folder.resolve("rules-test.yaml");
        try (InputStream in = RulesTest.class.getResourceAsStream("rules-test.yaml")) {
            Files.copy(in, scenes);
        }
        new YAMLMapper().writeValue(folder.resolve("rules.yaml").toFile(), SPEC);
        assertThat(promtool.orElseThrow().run(scenes.toString())).contains("SUCCESS");
    }
}
