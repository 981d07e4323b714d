package dev.sluice;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Checks that everything to which the pages refer exists: other pages, their sections, files, and tests. */
class DocumentationTest {

    private static final Path ROOT = Path.of("").toAbsolutePath();
    private static final Set<String> NOT_OURS = Set.of("target", "node_modules", ".venv", ".git", "resources");

    private static final Pattern CODE_BLOCK = Pattern.compile("^ *```.*?^ *```", Pattern.MULTILINE | Pattern.DOTALL);
    private static final Pattern CODE = Pattern.compile("`[^`]*`");
    private static final Pattern LINK = Pattern.compile("]\\(([^)\\s]+)\\)|(?:src|href|srcset)=\"([^\"]+)\"");
    private static final Pattern HEADING = Pattern.compile("^#+ +(.+)$", Pattern.MULTILINE);
    private static final Pattern TEST = Pattern.compile("`([A-Z]\\w*(?:IT|Test))(?:\\.(\\w+))?`");

    @Test
    void everyLinkedPageAndSectionExists() throws IOException {
        List<String> dead = new ArrayList<>();
        for (Path page : pages()) {
            String text = CODE.matcher(
                            CODE_BLOCK.matcher(Files.readString(page)).replaceAll(""))
                    .replaceAll("");
            for (MatchResult link : LINK.matcher(text).results().toList()) {
                String target = link.group(1) == null ? link.group(2) : link.group(1);
                if (!target.matches("\\w+:.*") && !leadsSomewhere(page, target)) {
                    dead.add(ROOT.relativize(page) + ": " + target);
                }
            }
        }
        assertThat(pages()).as("pages").hasSizeGreaterThan(5);
        assertThat(dead).isEmpty();
    }

    @Test
    void everyNamedTestExists() throws IOException {
        Map<String, Set<String>> tests = tests();
        List<String> named = new ArrayList<>();
        List<String> missing = new ArrayList<>();
        for (Path page : pages()) {
            for (MatchResult test :
                    TEST.matcher(Files.readString(page)).results().toList()) {
                named.add(test.group());
                Set<String> methods = tests.get(test.group(1));
                if (methods == null || (test.group(2) != null && !methods.contains(test.group(2)))) {
                    missing.add(ROOT.relativize(page) + ": " + test.group());
                }
            }
        }
        assertThat(named).isNotEmpty();
        assertThat(missing).isEmpty();
    }

    @Test
    void readmeCountsFaultsAndAttacksAsTheirPagesDo() throws IOException {
        String readme = Files.readString(ROOT.resolve("README.md"));
        assertThat(readme)
                .contains("under " + rows("docs/ledger.md", "ledger-faults") + " faults")
                .contains("Under " + rows("bench/results/results.md", "attack-latencies") + " attacks");
    }

    @Test
    void readmeSaysHowSoonPodsRecoverFromFaultsOfRedis() throws IOException {
        MatchResult promised = Pattern.compile("within (\\d+) s after each fault of a\\s+single Redis")
                .matcher(Files.readString(ROOT.resolve("README.md")))
                .results()
                .findFirst()
                .orElseThrow();
        List<Double> measured = Pattern.compile(
                        "^\\|`(?:redis|link|connections|out)-.*\\|([\\d.]+) s\\|$", Pattern.MULTILINE)
                .matcher(Files.readString(ROOT.resolve("docs/ledger.md")))
                .results()
                .map(row -> Double.valueOf(row.group(1)))
                .toList();
        assertThat(measured)
                .hasSizeGreaterThan(8)
                .allSatisfy(seconds -> assertThat(seconds).isLessThanOrEqualTo(Double.parseDouble(promised.group(1))));
    }

    /** Returns the number of rows of a table that a program wrote, without the first, which is for comparison. */
    private static long rows(String page, String part) throws IOException {
        String text = Files.readString(ROOT.resolve(page));
        String table = text.substring(text.indexOf("<!--" + part + "-->"), text.indexOf("<!--/" + part + "-->"));
        return table.lines().filter(line -> line.startsWith("|`")).count() - 1;
    }

    @Test
    void pagesStayShort() throws IOException {
        List<Path> pages = new ArrayList<>(List.of(ROOT.resolve("README.md")));
        try (Stream<Path> docs = Files.list(ROOT.resolve("docs"))) {
            docs.filter(file -> file.toString().endsWith(".md")).forEach(pages::add);
        }
        int words = 0;
        for (Path page : pages) {
            words += Files.readString(page).strip().split("\\s+").length;
        }
        assertThat(words).as("words in README.md and docs/*.md").isLessThanOrEqualTo(15_000);
    }

    private static boolean leadsSomewhere(Path page, String target) throws IOException {
        String[] parts = target.split("#", 2);
        Path file = parts[0].isEmpty() ? page : page.resolveSibling(parts[0]).normalize();
        return Files.exists(file)
                && (parts.length == 1 || anchors(Files.readString(file)).contains(parts[1]));
    }

    /** Returns the anchors that the usual renderers make of headings. */
    private static Set<String> anchors(String text) {
        Set<String> anchors = new HashSet<>();
        HEADING.matcher(CODE_BLOCK.matcher(text).replaceAll("")).results().forEach(heading -> {
            String anchor = heading.group(1)
                    .strip()
                    .toLowerCase(Locale.ROOT)
                    .replaceAll("[^\\p{L}\\p{N} _-]", "")
                    .replace(' ', '-');
            String unique = anchor;
            for (int i = 1; !anchors.add(unique); i++) {
                unique = anchor + "-" + i;
            }
        });
        return anchors;
    }

    private static List<Path> pages() throws IOException {
        try (Stream<Path> files = Files.walk(ROOT)) {
            return files.filter(file -> file.toString().endsWith(".md"))
                    .filter(file -> Stream.iterate(file, path -> !path.equals(ROOT), Path::getParent)
                            .noneMatch(
                                    part -> NOT_OURS.contains(part.getFileName().toString())))
                    .toList();
        }
    }

    private static Map<String, Set<String>> tests() throws IOException {
        Path classes = ROOT.resolve("target/test-classes");
        Map<String, Set<String>> tests = new TreeMap<>();
        try (Stream<Path> files = Files.walk(classes)) {
            for (Path file : files.filter(path -> path.toString().matches(".*(IT|Test)\\.class"))
                    .toList()) {
                String name =
                        classes.relativize(file).toString().replace('/', '.').replaceAll("\\.class$", "");
                try {
                    Class<?> test = Class.forName(name, false, DocumentationTest.class.getClassLoader());
                    Set<String> methods = new HashSet<>();
                    Arrays.stream(test.getDeclaredMethods()).forEach(method -> methods.add(method.getName()));
                    tests.put(test.getSimpleName(), methods);
                } catch (ClassNotFoundException e) {
                    throw new IllegalStateException(e);
                }
            }
        }
        return tests;
    }
}
