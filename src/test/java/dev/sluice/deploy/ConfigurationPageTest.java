package dev.sluice.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Compares the documented keys with the configuration interfaces. */
class ConfigurationPageTest {

    private static final Pattern ROW =
            Pattern.compile("^\\| `(sluice\\.[^`]+)`[^|]*\\| ([^|]*) \\|", Pattern.MULTILINE);

    @Test
    void pageListsEveryKeyWithItsDefault() throws IOException {
        Map<String, String> rows = rows("docs/configuration.md");
        assertThat(rows.keySet())
                .containsExactlyInAnyOrderElementsOf(Configuration.defaults().keySet());
        Configuration.defaults().forEach((key, value) -> {
            if (value != null) {
                assertThat(rows.get(key)).as(key).contains("`" + value + "`");
            }
        });
    }

    @Test
    void readmeAgreesWithThePage() throws IOException {
        Map<String, String> page = rows("docs/configuration.md");
        Map<String, String> readme = rows("README.md");
        assertThat(readme).isNotEmpty();
        assertThat(page.keySet()).containsAll(readme.keySet());
        Set<String> differ = new HashSet<>();
        readme.forEach((key, value) -> {
            if (!value.contains(page.get(key))) {
                differ.add(key);
            }
        });
        assertThat(differ).isEmpty();
    }

    private static Map<String, String> rows(String page) throws IOException {
        Map<String, String> rows = new TreeMap<>();
        for (MatchResult row :
                ROW.matcher(Files.readString(Path.of(page))).results().toList()) {
            rows.put(row.group(1).replace("<prefix>", "*"), row.group(2));
        }
        return rows;
    }
}
