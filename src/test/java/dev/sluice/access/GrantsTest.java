package dev.sluice.access;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.outbox.TestOutboxFactory;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GrantsTest {

    @ParameterizedTest
    @CsvSource({
        "team:red, team:red",
        "team:*, team:red",
        "team:*, team:a:b*c",
        "team:r*d, team:rd",
        "team:r*d, team:red",
        "team:*e*, team:red",
        "team:a*b*c, team:a1b2b3c",
        "team:{sub}, team:7",
        "team:{sub}-*, team:7-red",
        "team:*{sub}*, team:x7y",
        "upload:*, upload:42"
    })
    void grants(String entry, String channel) {
        assertThat(grants("7", entry, channel)).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "team:red, team:redder",
        "team:red, team:blue",
        "team:*, upload:red",
        "team:r*d, team:rude",
        "team:a*b*c, team:acb",
        "team:ab*ba, team:aba",
        "team:{sub}, team:8",
        "team:{sub}, team:{sub}",
        "team:{sub}, team:77",
        "*, team:red",
        "*:red, team:red",
        "t*:red, team:red",
        "team, team:red",
        ":*, team:red",
        "'', team:red",
        "{sub}:red, team:red",
        "TEAM:red, team:red"
    })
    void doesNotGrant(String entry, String channel) {
        assertThat(grants("7", entry, channel)).isFalse();
    }

    @Test
    void asteriskInTheSubjectIsLiteral() {
        assertThat(grants("*", "team:{sub}", "team:red")).isFalse();
        assertThat(grants("*", "team:{sub}", "team:*")).isTrue();
        assertThat(grants("a*c", "team:*-{sub}", "team:x-abc")).isFalse();
    }

    @Test
    void subjectThatLooksLikeAPlaceholderIsLiteral() {
        assertThat(grants("{sub}", "team:{sub}", "team:{sub}")).isTrue();
    }

    @Test
    void oneMatchingEntryIsEnough() {
        Grants grants = Grants.of(List.of("upload:1", "team:*", "nonsense"), "7");
        assertThat(grants.test(TestOutboxFactory.channel("upload:1"))).isTrue();
        assertThat(grants.test(TestOutboxFactory.channel("team:red"))).isTrue();
        assertThat(grants.test(TestOutboxFactory.channel("upload:2"))).isFalse();
    }

    private static boolean grants(String subject, String entry, String channel) {
        return Grants.of(List.of(entry), subject).test(TestOutboxFactory.channel(channel));
    }
}
