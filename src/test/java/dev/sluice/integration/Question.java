package dev.sluice.integration;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An expression of the dashboard or of an alert.
 *
 * @param by the title of the panel and which of its queries, the variable, or the alert
 */
record Question(String by, String expression) {

    /** The labels with which {@link Prometheus} marks what it reads, as Kubernetes would. */
    static final String NAMESPACE = "sluice";

    static final String POD = "sluice-0";

    private static final Path FOLDER = Path.of("k8s", "components", "monitoring");
    private static final Pattern LABEL_VALUES = Pattern.compile("label_values\\((.*), (\\w+)\\)");

    /** The parts of an expression that are not names of metrics and functions. */
    private static final Pattern OTHERS = Pattern.compile("\"[^\"]*\"|\\{[^}]*}|\\[[^]]*]"
            + "|\\b(by|without|on|ignoring|group_left|group_right)\\s*\\([^)]*\\)|\\b(and|or|unless|bool|offset)\\b");

    private static final Pattern NAME = Pattern.compile("(?<![\\w:.])[a-zA-Z_:][\\w:]*+(?!\\s*\\()");

    /** Returns the expressions of the dashboard's panels and variables. */
    static List<Question> ofDashboard() {
        JsonNode dashboard = read(new ObjectMapper(), "dashboard.json");
        List<Question> questions = new ArrayList<>();
        for (JsonNode panel : dashboard.path("panels")) {
            for (JsonNode target : panel.path("targets")) {
                questions.add(ofDashboard(text(panel, "title") + " " + text(target, "refId"), text(target, "expr")));
            }
        }
        for (JsonNode variable : dashboard.path("templating").path("list")) {
            Matcher values = LABEL_VALUES.matcher(text(variable, "query"));
            if (values.matches()) {
                String expression = "count by (%2$s) (%1$s)".formatted(values.group(1), values.group(2));
                questions.add(ofDashboard("$" + text(variable, "name"), expression));
            }
        }
        return questions;
    }

    /** Returns the expressions of the alerts. */
    static List<Question> ofAlerts() {
        List<Question> questions = new ArrayList<>();
        for (JsonNode group : rules().path("groups")) {
            for (JsonNode rule : group.path("rules")) {
                questions.add(new Question(text(rule, "alert"), text(rule, "expr")));
            }
        }
        return questions;
    }

    /** Returns the rules in Prometheus's own format. */
    static JsonNode rules() {
        return read(new YAMLMapper(), "rules.yaml").path("spec");
    }

    /** Returns the metrics of the expression. */
    Set<String> metrics() {
        Set<String> names = new TreeSet<>();
        Matcher name = NAME.matcher(OTHERS.matcher(expression).replaceAll(" "));
        while (name.find()) {
            names.add(name.group());
        }
        return names;
    }

    /** Returns the series of the expression as selectors. */
    Set<String> selectors() {
        Set<String> selectors = new TreeSet<>();
        for (String metric : metrics()) {
            Matcher selector =
                    Pattern.compile("\\b" + metric + "\\b(\\{[^}]*})?").matcher(expression);
            while (selector.find()) {
                selectors.add(selector.group());
            }
        }
        return selectors;
    }

    /** Replaces the dashboard's variables by sample values. */
    private static Question ofDashboard(String by, String expression) {
        return new Question(
                by,
                expression
                        .replace("$namespace", NAMESPACE)
                        .replace("$pod", ".*")
                        .replace("$__rate_interval", "1m"));
    }

    private static JsonNode read(ObjectMapper mapper, String file) {
        try {
            return mapper.readTree(FOLDER.resolve(file).toFile());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String text(JsonNode node, String field) {
        return node.required(field).asText();
    }
}
