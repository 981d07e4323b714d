package dev.sluice.graal;

import static org.assertj.core.api.Assertions.assertThat;

import io.quarkus.runtime.configuration.NameIterator;
import io.quarkus.runtime.configuration.PropertiesUtil;
import java.util.List;
import org.junit.jupiter.api.Test;

class QuickNameMatchTest {

    private static final List<String> SEGMENTS = List.of(
            "a", "ab", "ba", "b", "*", "a*", "**", "\"a\"", "\"a.b\"", "\"*\"", "a[0]", "a[1]", "a[*]", "[0]", "-", "");

    @Test
    void matchesTheNamesThatQuarkusMatches() {
        int matches = 0;
        for (String first : SEGMENTS) {
            for (String second : SEGMENTS) {
                NameIterator name = new NameIterator(first + "." + second);
                while (name.hasNext()) {
                    for (String mapped : SEGMENTS) {
                        boolean expected = PropertiesUtil.isMapped(name, mapped);
                        assertThat(QuickNameMatch.isMapped(name, mapped))
                                .as("%s at %d is %s", name.getName(), name.getPosition(), mapped)
                                .isEqualTo(expected);
                        matches += expected ? 1 : 0;
                    }
                    name.next();
                }
            }
        }
        assertThat(matches).isGreaterThan(500);
    }
}
