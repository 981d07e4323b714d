package dev.sluice.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Checks the files for GitHub against the repository, without GitHub. */
class WorkflowsTest {

    private static final YAMLMapper YAML = YAMLMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    private static final Pattern PROGRAM = Pattern.compile("(?<=^|[\\s(])((?:\\./|\\.ci/|bench/)[\\w/.-]+)");
    private static final Pattern PINNED =
            Pattern.compile("^ +- uses: ([\\w-]+/[\\w-]+)@[0-9a-f]{40} # v\\d+\\.\\d+\\.\\d+$");

    /** Where Dependabot looks for the dependencies of each ecosystem. */
    private static final List<String[]> MANIFESTS = List.of(
            new String[] {"maven", "pom.xml"},
            new String[] {"npm", "package.json"},
            new String[] {"pip", "requirements.txt"},
            new String[] {"gomod", "go.mod"},
            new String[] {"docker", "Dockerfile.jvm"},
            new String[] {"docker-compose", "compose.yaml"});

    static Stream<Path> workflows() throws IOException {
        try (Stream<Path> files = Files.list(Path.of(".github/workflows"))) {
            return files.sorted().toList().stream();
        }
    }

    @ParameterizedTest
    @MethodSource("workflows")
    void jobsAreBoundedAndMayOnlyReadUnlessTheySayOtherwise(Path file) {
        JsonNode workflow = read(file);
        assertThat(workflow.path("permissions").path("contents").asText()).isEqualTo("read");
        assertThat(workflow.path("permissions")).hasSize(1);
        assertThat(workflow.path("jobs")).isNotEmpty().allSatisfy(job -> {
            assertThat(job.path("timeout-minutes").asInt()).isPositive();
            job.path("needs")
                    .forEach(needed -> assertThat(workflow.path("jobs").has(needed.asText()))
                            .as(needed.asText())
                            .isTrue());
        });
    }

    @ParameterizedTest
    @MethodSource("workflows")
    void stepsRunWhatExists(Path file) {
        List<String> programs = steps(file).stream()
                .map(step -> step.path("run").asText())
                .flatMap(command -> PROGRAM.matcher(command).results().map(MatchResult::group))
                .toList();
        assertThat(programs)
                .isNotEmpty()
                .allSatisfy(program -> assertThat(Path.of(program)).isExecutable());
    }

    @ParameterizedTest
    @MethodSource("workflows")
    void actionsArePinnedByCommit(Path file) throws IOException {
        List<String> uses = Files.readAllLines(file).stream()
                .filter(line -> line.contains("uses:"))
                .toList();
        assertThat(uses).isNotEmpty().allMatch(line -> PINNED.matcher(line).matches());
        assertThat(workflows()
                        .flatMap(WorkflowsTest::lines)
                        .filter(line -> line.contains("uses:"))
                        .map(String::strip)
                        .distinct())
                .extracting(line -> line.substring(0, line.indexOf('@')))
                .doesNotHaveDuplicates();
    }

    @ParameterizedTest
    @MethodSource("workflows")
    void defaultJdkIsTheOldestThatTheBuildSupports(Path file) {
        String release = property("maven.compiler.release");
        assertThat(steps(file))
                .filteredOn(step -> step.path("uses").asText().startsWith("actions/setup-java@"))
                .isNotEmpty()
                .allSatisfy(step -> assertThat(
                                step.path("with").path("java-version").asText().strip())
                        .endsWith(release));
        assertThat(lines(Path.of(".ci/run"))).anyMatch(line -> line.contains("JAVA_HOME_25_X64"));
    }

    /** Quarkus records the settings of these files in what it packages. Dev mode, which may have them, ends before. */
    @Test
    void packagingRefusesSettingsInTheWorkingDirectory() throws IOException {
        assertThat(Files.readString(Path.of("pom.xml")))
                .containsPattern(
                        "<phase>prepare-package</phase>\\s*<configuration>\\s*<rules>\\s*<requireFilesDontExist>"
                                + "\\s*<files>\\s*<file>\\$\\{user.dir}/config/application.properties</file>");
    }

    @Test
    void containersHaveTheNodeThatTheModuleNeeds() throws IOException {
        String needed = JsonMapper.builder()
                .build()
                .readTree(Files.readString(Path.of("client/package.json")))
                .path("engines")
                .path("node")
                .asText();
        List<String> images = jobs(Path.of(".github/workflows/ci.yml")).stream()
                .map(job -> job.path("container").asText())
                .filter(image -> !image.isEmpty())
                .toList();
        assertThat(images)
                .isNotEmpty()
                .allSatisfy(image -> assertThat(image).startsWith("node:" + needed.replaceAll("\\D", "") + "-"));
    }

    @Test
    void imagesNeedAllTests() {
        JsonNode jobs = read(Path.of(".github/workflows/ci.yml")).path("jobs");
        assertThat(jobs.path("images").path("needs"))
                .extracting(JsonNode::asText)
                .containsExactly("test", "chart", "native-test");
        assertThat(jobs.path("images").path("if").asText()).contains("refs/tags/v");
        assertThat(jobs.path("native").path("strategy"))
                .isEqualTo(jobs.path("native-test").path("strategy"));
    }

    @Test
    void dependabotKnowsEveryFolderWithDependencies() throws IOException {
        JsonNode updates = read(Path.of(".github/dependabot.yml")).path("updates");
        for (String[] manifest : MANIFESTS) {
            Set<String> listed = new TreeSet<>();
            for (JsonNode update : updates) {
                if (update.path("package-ecosystem").asText().equals(manifest[0])) {
                    update.path("directories").forEach(folder -> listed.add(folder.asText()));
                    if (update.has("directory")) {
                        listed.add(update.path("directory").asText());
                    }
                }
            }
            assertThat(listed).as(manifest[0]).isEqualTo(foldersWith(manifest[1]));
        }
    }

    @Test
    void changelogStartsWithWhatIsUnreleased() {
        List<String> sections = lines(Path.of("CHANGELOG.md"))
                .filter(line -> line.startsWith("## "))
                .toList();
        assertThat(sections.get(0)).isEqualTo("## Unreleased");
        assertThat(sections.subList(1, sections.size()))
                .isNotEmpty()
                .allMatch(line -> line.matches("## \\d+\\.\\d+\\.\\d+ - \\d{4}-\\d\\d-\\d\\d"));
    }

    private static Set<String> foldersWith(String manifest) throws IOException {
        try (Stream<Path> files = Files.walk(Path.of(""), 6)) {
            Set<String> folders = new TreeSet<>();
            files.filter(file -> file.endsWith(manifest))
                    .filter(file -> !file.toString().matches("(.*/)?(target|node_modules)/.*"))
                    .forEach(file -> folders.add("/" + (file.getParent() == null ? "" : file.getParent())));
            return folders;
        }
    }

    private static List<JsonNode> steps(Path file) {
        List<JsonNode> steps = new ArrayList<>();
        jobs(file).forEach(job -> job.path("steps").forEach(steps::add));
        return steps;
    }

    private static List<JsonNode> jobs(Path file) {
        return StreamSupport.stream(read(file).path("jobs").spliterator(), false)
                .toList();
    }

    private static String property(String name) {
        Matcher property = Pattern.compile("<" + Pattern.quote(name) + ">(.*)<")
                .matcher(String.join("\n", lines(Path.of("pom.xml")).toList()));
        assertThat(property.find()).as(name).isTrue();
        return property.group(1);
    }

    private static JsonNode read(Path file) {
        try {
            return YAML.readTree(Files.readString(file));
        } catch (IOException e) {
            throw new UncheckedIOException(file.toString(), e);
        }
    }

    private static Stream<String> lines(Path file) {
        try {
            return Files.readAllLines(file).stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
