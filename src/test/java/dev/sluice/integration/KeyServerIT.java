package dev.sluice.integration;

import static dev.sluice.harness.KeyServer.http;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.harness.Client;
import dev.sluice.harness.KeyServer;
import dev.sluice.harness.Pod;
import dev.sluice.harness.Tokens;
import dev.sluice.harness.Tokens.NamedKey;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.net.ssl.SSLServerSocketFactory;
import org.jose4j.jwt.JwtClaims;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Tests answers of a key server, and rotations of its keys. */
@Order(0)
class KeyServerIT {

    @AutoClose
    private static final Stage STAGE = Stage.takeRedis();

    private static final String LOCATION = "mp.jwt.verify.publickey.location";
    private static final NamedKey OLD = NamedKey.rsa("old");
    private static final NamedKey NEW = NamedKey.rsa("new");
    private static final Charset ISO = StandardCharsets.ISO_8859_1;
    private static final int PODS = 2;
    private static final int REFUSED = 4003;
    private static final int UNAVAILABLE = 1013;
    private static final int ACCEPTED = 0;

    /** The server and the pod of tests that need no fresh pod; each has keys that the pod does not know yet. */
    private static KeyServer server;

    private static Pod pod;

    @BeforeAll
    static void start() {
        server = new KeyServer();
        pod = ready(server.url());
    }

    @AfterAll
    static void stop() {
        pod.close();
        server.close();
    }

    @Tag("long")
    @Test
    void tokensAreUnavailableUntilTheServerSendsKeys() {
        Map<String, KeyServer.Answer> answers = new LinkedHashMap<>();
        String html = "<!DOCTYPE html><html><body>Sign in</body></html>";
        answers.put("HTML", http("200 OK", html, "Content-Type: text/html"));
        answers.put("empty body", http("200 OK", ""));
        answers.put("not a set", http("200 OK", "{}"));
        answers.put("empty set", http("200 OK", "{\"keys\":[]}"));
        answers.put("unknown kind of key", http("200 OK", "{\"keys\":[{\"kty\":\"weird\"}]}"));
        answers.put("truncated JSON", http("200 OK", Tokens.jwks(OLD).substring(0, 60)));
        answers.put("too large", http("200 OK", " ".repeat(10 << 20)));
        answers.put("500", http("500 Internal Server Error", Tokens.jwks(OLD)));
        answers.put("204", (client, out) -> out.write("HTTP/1.1 204 No Content\r\n\r\n".getBytes(ISO)));
        answers.put("redirect to nowhere", http("301 Moved Permanently", "", "Location: http://localhost:1/"));
        answers.put("redirect without end", http("302 Found", "", "Location: /jwks.json"));
        answers.put("reset", (client, out) -> client.setSoLinger(true, 0));
        answers.put("dripping head", (client, out) -> drip(out, "HTTP/1.1 200 OK\r\nX: "));
        answers.put("dripping body", (client, out) -> drip(out, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"));
        // A pod fetches at most every five seconds, so that a single pod would need over a minute.
        List<String> names = List.copyOf(answers.keySet());
        atOnce(IntStream.range(0, PODS).<Runnable>mapToObj(pod -> () -> {
            Map<String, KeyServer.Answer> share = new LinkedHashMap<>(answers);
            share.keySet().removeIf(name -> names.indexOf(name) % PODS != pod);
            assertUnavailable(share);
        }));
    }

    private static void assertUnavailable(Map<String, KeyServer.Answer> answers) {
        try (KeyServer own = new KeyServer();
                Pod fresh = ready(own.url())) {
            answers.forEach((name, answer) -> {
                own.answers(answer);
                int before = own.requests();
                await(name).until(() -> {
                    assertThat(outcome(fresh, OLD)).as(name).isEqualTo(UNAVAILABLE);
                    return own.requests() > before;
                });
                assertThat(api(fresh, OLD)).as(name).isEqualTo(503);
            });
            fresh.awaitLog("can't fetch the keys that verify tokens");
            own.has(OLD);
            awaitAccepted(fresh, OLD);
            assertThat(api(fresh, OLD)).isEqualTo(200);
        }
    }

    /** Unit tests check other reasons. */
    @Test
    void logNamesTheInnermostReasonForMissingKeysWithoutSecrets() {
        // The server has no certificate.
        try (KeyServer uncertified = new KeyServer(SSLServerSocketFactory.getDefault(), "https");
                Pod unfortunate = ready(withSecrets(uncertified.url()))) {
            assertThat(outcome(unfortunate, OLD)).isEqualTo(UNAVAILABLE);
            unfortunate.awaitLog("can't fetch");
            assertThat(unfortunate.log().lines().filter(line -> line.contains("can't fetch")))
                    .singleElement()
                    .asString()
                    // The innermost cause of "Failed to create SSL connection".
                    .contains("Received fatal alert: handshake_failure", uncertified.url())
                    .doesNotContain("password", "word");
        }
    }

    /** Starts a pod that tells soon that it can't decide. */
    private static Pod ready(String keys) {
        return Pod.ready(STAGE.redis(), Map.of(LOCATION, keys, "sluice.auth.timeout", "5s"));
    }

    private static String withSecrets(String url) {
        return url.replace("://", "://user:password@") + "?key=word";
    }

    private static void atOnce(Stream<Runnable> tasks) {
        CompletableFuture.allOf(tasks.map(Background::run).toArray(CompletableFuture[]::new))
                .join();
    }

    @Tag("long")
    @Test
    void keysMayComeFromARedirectWithAnyContentType() {
        NamedKey key = NEW.as("moved");
        try (KeyServer moved = new KeyServer()) {
            moved.answers(http("200 OK", Tokens.jwks(key), "Content-Type: text/plain"));
            server.answers(http("307 Temporary Redirect", "", "Location: " + moved.url()));
            awaitAccepted(pod, key);
        }
    }

    @Test
    void keysWithoutIdRotateForTokensWithAndWithoutKeyId() {
        NamedKey first = NamedKey.rsa("first");
        NamedKey second = NamedKey.rsa("second");
        server.has(first.as(null));
        awaitAccepted(pod, first.as(null));
        assertThat(outcome(pod, first)).isEqualTo(ACCEPTED);
        int requests = server.requests();
        server.has(second.as(null));
        awaitAccepted(pod, second.as(null));
        assertThat(outcome(pod, second)).isEqualTo(ACCEPTED);
        assertThat(server.requests()).isBetween(requests + 1, requests + 2);
    }

    @Test
    void newKeyWithTheSameIdIsFetched() {
        NamedKey first = NamedKey.rsa("same");
        NamedKey second = NamedKey.rsa("same");
        assertRotates(new NamedKey[] {first}, new NamedKey[] {second}, first, second);
    }

    @Test
    void tokenWithoutIdIsVerifiedByEveryKey() {
        NamedKey first = NamedKey.rsa("first");
        NamedKey second = NamedKey.rsa("second");
        NamedKey curve = NamedKey.ellipticCurve("curve");
        assertRotates(
                new NamedKey[] {OLD, curve, first},
                new NamedKey[] {NEW, curve, second},
                first.as(null),
                second.as(null));
    }

    @Tag("long")
    @Test
    void twoKeysOfOneIdAreBothTried() {
        NamedKey first = NamedKey.rsa("one");
        NamedKey second = NamedKey.rsa("one");
        NamedKey other = NEW.as("one");
        assertRotates(new NamedKey[] {other, first}, new NamedKey[] {second, other}, first, second);
    }

    @Tag("long")
    @Test
    void validTokensAreAcceptedDuringARotationDespiteForgedOnes() {
        NamedKey forged = NamedKey.rsa("forged");
        try (KeyServer own = new KeyServer();
                Pod fresh = ready(own.url())) {
            own.has(OLD);
            assertThat(outcome(fresh, OLD)).isEqualTo(ACCEPTED);
            assertThat(outcome(fresh, forged)).as("after a fetch").isEqualTo(REFUSED);
            int requests = own.requests();
            assertThat(outcome(fresh, forged)).isIn(REFUSED, UNAVAILABLE);
            own.answers(http("200 OK", "<html></html>"));
            assertThat(outcome(fresh, NEW)).isEqualTo(UNAVAILABLE);
            assertThat(api(fresh, NEW)).isEqualTo(503);
            assertThat(outcome(fresh, OLD)).as("known keys count meanwhile").isEqualTo(ACCEPTED);
            await().until(() -> {
                assertThat(outcome(fresh, forged)).isEqualTo(UNAVAILABLE);
                return own.requests() > requests;
            });
            own.has(NEW);
            await().until(() -> {
                assertThat(outcome(fresh, forged)).isIn(REFUSED, UNAVAILABLE);
                int outcome = outcome(fresh, NEW);
                assertThat(outcome).isNotEqualTo(REFUSED);
                return outcome == ACCEPTED;
            });
            assertThat(own.requests()).as("not one for each token").isLessThanOrEqualTo(requests + 3);
            await("the end of forged tokens").until(() -> outcome(fresh, forged) == REFUSED);
        }
    }

    private static void drip(OutputStream out, String head) throws IOException, InterruptedException {
        out.write(head.getBytes(ISO));
        for (int i = 0; i < 60; i++) {
            out.write(' ');
            out.flush();
            Thread.sleep(500);
        }
    }

    private static void assertRotates(NamedKey[] before, NamedKey[] after, NamedKey first, NamedKey second) {
        server.has(before);
        awaitAccepted(pod, first);
        int requests = server.requests();
        server.has(after);
        awaitAccepted(pod, second);
        assertThat(server.requests()).isBetween(requests + 1, requests + 2);
    }

    /** A valid token may have to wait, but is not refused. */
    private static void awaitAccepted(Pod pod, NamedKey key) {
        await("accepted").until(() -> {
            int outcome = outcome(pod, key);
            assertThat(outcome).isNotEqualTo(REFUSED);
            return outcome == ACCEPTED;
        });
    }

    private static int outcome(Pod pod, NamedKey key) {
        return Client.outcome(pod, key.sign(Tokens.claims("7")));
    }

    private static int api(Pod pod, NamedKey key) {
        JwtClaims claims = Tokens.claims("admin");
        claims.setStringListClaim("groups", "operator");
        return Api.with(pod, key.sign(claims)).get("/api/users/7/connections").statusCode();
    }
}
