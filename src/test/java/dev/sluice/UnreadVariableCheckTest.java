package dev.sluice;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class UnreadVariableCheckTest {

    private static final Set<String> KEYS =
            Set.of("sluice.max-frame", "sluice.origins", "sluice.origins[*]", "sluice.routes.*.audience");

    @ParameterizedTest
    @CsvSource({
        "SLUICE_MAX_FRAME, sluice.max-frame",
        "SLUICE_ORIGINS, sluice.origins",
        "SLUICE_ORIGINS_0_, sluice.origins[0]",
        "SLUICE_ROUTES_TEAM_AUDIENCE, sluice.routes.team.audience",
        "SLUICE_ROUTES_MY_TEAM_AUDIENCE, sluice.routes.my-team.audience",
        "SLUICE_ROUTES__MY_TEAM__AUDIENCE, 'sluice.routes.\"my-team\".audience'",
        "sluice.routes.my-team.audience, sluice.routes.my-team.audience",
        "sluice.max-frame, sluice.max-frame",
    })
    void variableOfAKnownKeyIsAccepted(String variable, String name) {
        assertThat(UnreadVariableCheck.of(Set.of(variable), Stream.of(name, "quarkus.http.port"), KEYS))
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "SLUICE_MAX_FRAMES, sluice.max.frames",
        "SLUICE_ROUTES_MY_TEAM_AUDIENCE, sluice.routes.my.team.audience",
        "SLUICE_ROUTES_TEAM_AUDIENC, sluice.routes.team.audienc",
        "SLUICE_ROUTES_AUDIENCE, sluice.routes.audience",
        "sluice.max-frames, sluice.max-frames",
        "SLUICE_PORT, sluice.port",
    })
    void variableOfAnUnknownKeyIsReported(String variable, String name) {
        assertThat(UnreadVariableCheck.of(Set.of(variable), Stream.of(name, "sluice.max-frame"), KEYS))
                .containsExactly(variable);
    }

    @ParameterizedTest
    @ValueSource(strings = {"QUARKUS_REDIS_HOST", "XSLUICE_ORIGIN", "SLUICES", "PATH"})
    void otherVariablesAreNotReported(String variable) {
        assertThat(UnreadVariableCheck.of(Set.of(variable), Stream.of(), KEYS)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"SLUICE", "SLUICE_REDIS"})
    void serviceVariablesOfKubernetesAreNotReported(String service) {
        Set<String> links = Set.of(
                service + "_SERVICE_HOST",
                service + "_SERVICE_PORT",
                service + "_SERVICE_PORT_HTTP",
                service + "_PORT",
                service + "_PORT_8080_TCP",
                service + "_PORT_8080_TCP_PROTO",
                service + "_PORT_8080_TCP_PORT",
                service + "_PORT_8080_TCP_ADDR");
        assertThat(UnreadVariableCheck.of(links, Stream.of(), KEYS)).isEmpty();
    }

    @Test
    void variablesSimilarToServiceVariablesAreReported() {
        Set<String> variables = Set.of("SLUICE_SERVICE_HOST", "SLUICE_PORTS", "SLUICE_MAX_FRAMES", "SLUICE_OTHER_PORT");
        assertThat(UnreadVariableCheck.of(variables, Stream.of(), KEYS))
                .containsExactly("SLUICE_MAX_FRAMES", "SLUICE_OTHER_PORT", "SLUICE_PORTS");
    }
}
