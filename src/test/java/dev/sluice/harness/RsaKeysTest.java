package dev.sluice.harness;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.Signature;
import java.security.interfaces.RSAPublicKey;
import java.util.Objects;
import org.junit.jupiter.api.RepeatedTest;

class RsaKeysTest {

    @RepeatedTest(3)
    void signaturesAreThoseThatJavaMakes() throws Exception {
        KeyPair pair = RsaKeys.next();
        assertThat(((RSAPublicKey) pair.getPublic()).getModulus().bitLength()).isEqualTo(2048);
        for (int i = 0; i < 4; i++) {
            String text = "text " + i;
            byte[] signed = Objects.requireNonNull(RsaKeys.sign(pair.getPrivate(), text));
            Signature java = Signature.getInstance("SHA256withRSA");
            java.initVerify(pair.getPublic());
            java.update(text.getBytes(StandardCharsets.US_ASCII));
            assertThat(java.verify(signed)).isTrue();
            java.initSign(pair.getPrivate());
            java.update(text.getBytes(StandardCharsets.US_ASCII));
            assertThat(signed).isEqualTo(java.sign());
        }
    }
}
