package dev.sluice.access;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ConnectWebhookTest {

    @Test
    void answersAreCachedBySignedContent() {
        String digest = ConnectWebhook.digest("header.claims.AAAA");
        assertThat(ConnectWebhook.digest("header.claims.AAAB")).isEqualTo(digest);
        assertThat(ConnectWebhook.digest("header.others.AAAA")).isNotEqualTo(digest);
        assertThat(ConnectWebhook.digest("other.claims.AAAA")).isNotEqualTo(digest);
    }
}
