package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.harness.Client;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Tokens;
import java.util.Map;
import org.jose4j.jwt.JwtClaims;
import org.jose4j.jwt.NumericDate;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;

/** Tests connections whose token expires with on-expiry=keep. */
@ResourceLock("the pod with options")
class ExpiryIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    @Test
    void keptConnectionKeepsTheRightsOfItsToken() {
        Pod pod = STAGE.pod(Stage.OPTIONS);
        pod.awaitNobody();
        double ended = pod.disconnects();
        try (Client kept = Client.connect(pod.webSocket("/ws")).authenticate(expiring(-1, "team:*"));
                Client onUpgrade = Client.connect(
                        pod.webSocket("/ws"), Map.of("Authorization", "Bearer " + expiring(-1, "team:*")))) {
            assertThat(kept.next()).contains("auth_success");
            assertThat(onUpgrade.next()).contains("auth_success");
            subscribe(kept, "team:before");
            awaitTheEndOfALaterToken();
            STAGE.redis().publish("user:7", "hello");
            STAGE.redis().publish("team:before", "team");
            for (Client client : new Client[] {kept, onUpgrade}) {
                assertThat(client.next()).isEqualTo("hello");
                assertThat(client.next()).isEqualTo("team");
            }
            subscribe(kept, "team:after");
            kept.authenticate(expiring(-10, "team:*"));
            assertThat(kept.next()).contains("\"unauthorized\"", "expired");
            kept.authenticate(expiring(600, "team:after"));
            assertThat(kept.next()).contains("auth_success");
            assertThat(kept.next()).isEqualTo("{\"action\":\"unsubscribed\",\"channel\":\"team:before\"}");
            assertThat(pod.disconnects()).isEqualTo(ended);
            try (Client late = Client.connect(pod.webSocket("/ws")).authenticate(expiring(-10))) {
                assertThat(late.next()).contains("auth_error");
                assertThat(late.closeCode())
                        .as("one that comes with such a token")
                        .isEqualTo(4003);
            }
        }
    }

    /**
     * Waits until a pod with the default has closed a connection whose token expired later, plus two seconds: pods
     * check tokens once a second.
     */
    private static void awaitTheEndOfALaterToken() {
        try (Client closed = Client.connect(STAGE.pod().webSocket("/ws")).authenticate(expiring(1))) {
            assertThat(closed.next()).contains("auth_success");
            assertThat(closed.closeCode()).isEqualTo(4010);
        }
    }

    private static void subscribe(Client client, String channel) {
        client.send("{\"action\":\"subscribe\",\"channel\":\"" + channel + "\"}");
        assertThat(client.next()).isEqualTo("{\"action\":\"subscribed\",\"channel\":\"" + channel + "\"}");
    }

    private static String expiring(int inSeconds, String... channels) {
        JwtClaims claims = Tokens.claims("7");
        claims.setExpirationTime(NumericDate.fromSeconds(System.currentTimeMillis() / 1000 + inSeconds));
        claims.setStringListClaim("channels", channels);
        return Tokens.sign(claims);
    }
}
