package dev.sluice.log;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import org.junit.jupiter.api.Test;

class RootCauseTest {

    @Test
    void innermostCauseIsDescribed() {
        Throwable failure = new RuntimeException(
                "Failed to create SSL connection",
                new IOException("handshake", new IllegalStateException("unable to find valid certification path")));
        assertThat(RootCause.innermost(failure)).isEqualTo("unable to find valid certification path");
    }

    @Test
    void messageWithAnAddressIsKept() {
        Throwable failure = new RuntimeException(
                "wrapped",
                new IOException(
                        "Connection refused: localhost/127.0.0.1:1", new ConnectException("Connection refused")));
        assertThat(RootCause.innermost(failure)).isEqualTo("Connection refused: localhost/127.0.0.1:1");
    }

    @Test
    void failureWithoutMessageIsDescribedByItsType() {
        assertThat(RootCause.innermost(new IOException(new InterruptedException())))
                .isEqualTo("InterruptedException");
    }

    @Test
    void singleWordIsDescribedWithItsType() {
        assertThat(RootCause.innermost(new IOException(new UnknownHostException("redis"))))
                .isEqualTo("UnknownHostException: redis");
    }

    @Test
    void userInfoOfUrlsIsRemovedAndForeignCharactersAreReplaced() {
        assertThat(RootCause.innermost(new IOException("redis://user:password@host:1 and https://token@host\n2")))
                .isEqualTo("redis://host:1 and https://host?2");
    }

    @Test
    void userInfoEndsAtTheLastAt() {
        assertThat(RootCause.innermost(new IOException("no answer of https://user:p@ss/w@rd@host/path")))
                .isEqualTo("no answer of https://host/path");
    }

    @Test
    void circularCausesAreHandled() {
        IOException one = new IOException("one");
        IllegalStateException two = new IllegalStateException("two", one);
        one.initCause(two);
        assertThat(RootCause.innermost(one)).isIn("IOException: one", "IllegalStateException: two");
    }
}
