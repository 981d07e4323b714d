package dev.sluice.bench.attack;

import com.sun.net.httpserver.HttpServer;
import dev.sluice.bench.contender.Tokens;
import dev.sluice.bench.process.BenchFailure;
import dev.sluice.bench.process.Waiting;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.NoSuchAlgorithmException;
import java.security.PrivateKey;
import java.security.interfaces.RSAPublicKey;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;

/** Serves the key that tokens are verified with, and takes its time for it. */
final class KeyServer implements AutoCloseable {

    private static final Duration TAKES = Duration.ofMillis(1_900);

    private final KeyPair keys;
    private final HttpServer server;

    KeyServer() {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
            generator.initialize(2048);
            keys = generator.generateKeyPair();
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (NoSuchAlgorithmException | IOException e) {
            throw new BenchFailure("no server of keys", e);
        }
        byte[] answer = jwks((RSAPublicKey) keys.getPublic()).getBytes(StandardCharsets.US_ASCII);
        server.createContext("/", exchange -> {
            Waiting.sleep(TAKES);
            exchange.sendResponseHeaders(200, answer.length);
            exchange.getResponseBody().write(answer);
            exchange.close();
        });
        server.start();
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort() + "/keys";
    }

    PrivateKey key() {
        return keys.getPrivate();
    }

    private static String jwks(RSAPublicKey key) {
        return "{\"keys\":[{\"kty\":\"RSA\",\"use\":\"sig\",\"alg\":\"RS256\",\"kid\":\"" + Tokens.KEY_ID
                + "\",\"n\":\"" + base64(key.getModulus()) + "\",\"e\":\"" + base64(key.getPublicExponent()) + "\"}]}";
    }

    private static String base64(BigInteger number) {
        byte[] bytes = number.toByteArray();
        int sign = bytes[0] == 0 ? 1 : 0;
        return Base64.getUrlEncoder().withoutPadding().encodeToString(Arrays.copyOfRange(bytes, sign, bytes.length));
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
