package dev.sluice.graal;

import static org.assertj.core.api.Assertions.assertThat;

import io.quarkus.runtime.configuration.NameIterator;
import io.quarkus.runtime.configuration.PropertiesUtil;
import io.smallrye.config.PropertyName;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class QuickNamesTest {

    private static final List<String> SEGMENTS = List.of(
            "a", "ab", "ba", "b", "*", "a*", "**", "\"a\"", "\"a.b\"", "\"*\"", "a[0]", "a[1]", "a[*]", "[0]", "-", "");

    /** Nobody's key has these. */
    private static final List<String> ODD = List.of("\\a", "a\\.b", "]", "*]", "\"", "\"\"");

    private static final List<String> ODD_NAMES =
            names(Stream.concat(SEGMENTS.stream(), ODD.stream()).toList());

    @Test
    void endsAreThoseOfSmallRye() {
        int found = 0;
        for (String name : ODD_NAMES) {
            io.smallrye.config.NameIterator iterator = new io.smallrye.config.NameIterator(name);
            while (iterator.hasNext()) {
                int end = QuickNames.end(name, iterator.getPosition());
                if (end >= 0) {
                    assertThat(end).as("%s at %d", name, iterator.getPosition()).isEqualTo(iterator.getNextEnd());
                    found++;
                }
                iterator.next();
            }
            assertThat(QuickNames.end(name, name.length()))
                    .as("the original decides")
                    .isNegative();
        }
        assertThat(found).isGreaterThan(200);
        assertThat(QuickNames.end("a.bc.d", 1)).isEqualTo(4);
    }

    @Test
    void segmentsThatDifferMatchInNoVersion() {
        int differing = 0;
        for (String one : ODD_NAMES) {
            for (String other : ODD_NAMES) {
                if (QuickNames.differ(one, one.length(), other, other.length())) {
                    assertThat(PropertyName.equals(one, 0, one.length(), other, 0, other.length()))
                            .as("%s and %s", one, other)
                            .isFalse();
                    differing++;
                }
            }
        }
        assertThat(differing).isGreaterThan(50_000);
        assertThat(QuickNames.differ("http", 4, "logs", 4)).isTrue();
    }

    @Test
    void mappedNamesAreThoseOfQuarkus() {
        int matches = 0;
        for (String property : names(SEGMENTS)) {
            NameIterator name = new NameIterator(property);
            while (name.hasNext()) {
                for (String mapped : SEGMENTS) {
                    boolean expected = PropertiesUtil.isMapped(name, mapped);
                    assertThat(QuickNames.Known.isMapped(name, mapped))
                            .as("%s at %d is %s", name.getName(), name.getPosition(), mapped)
                            .isEqualTo(expected);
                    matches += expected ? 1 : 0;
                }
                name.next();
            }
        }
        assertThat(matches).isGreaterThan(500);
    }

    private static List<String> names(List<String> segments) {
        return segments.stream()
                .flatMap(first -> segments.stream().map(second -> first + "." + second))
                .toList();
    }
}
