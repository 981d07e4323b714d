package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.harness.Pod;
import dev.sluice.harness.Tokens;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tests which token of a request is used, for WebSockets and the HTTP API. */
@ResourceLock("the pod with options")
class RequestTokenIT {

    @AutoClose
    private static final Stage STAGE = Stage.take();

    private static final String FIRST = Tokens.withGroups("first", "operator");
    private static final String SECOND = Tokens.of("second");

    private final Pod byCookie = STAGE.pod(Stage.OPTIONS);

    @ParameterizedTest
    @CsvSource(
            delimiter = '>',
            value = {
                "Cookie: session=FIRST > first",
                "Cookie: a=b|Cookie: session=FIRST > first",
                "Cookie: session=FIRST|Cookie: session=SECOND > first",
                "Cookie: session=FIRST; session=SECOND > first",
                "Cookie: session=; session=FIRST > first",
                "Cookie: session=\"FIRST\" > first",
                "cookie: we ird=x y; Session=SECOND; session2=SECOND;session=FIRST > first",
                "Authorization: Bearer FIRST > first",
                "authorization: bearer   FIRST > first",
                "Authorization: Bearer FIRST|Cookie: session=SECOND > first",
                "Cookie: session=FIRST|Authorization: Bearer SECOND > second",
                "Authorization: Basic eDp5|Cookie: session=FIRST > first",
                "Authorization: Basic eDp5|Authorization: Bearer FIRST > first",
                "Authorization: Bearer FIRST|Authorization: Bearer SECOND > first",
                "Authorization: Bearer nonsense|Cookie: session=FIRST > nobody",
                "Cookie: session=nonsense|Cookie: session=FIRST > nobody",
            })
    void authorizationPrecedesCookies(String headers, String user) {
        assertUser(byCookie, headers, user);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '>',
            value = {
                "Authorization: Bearer FIRST|Cookie: session=SECOND; Bearer=SECOND > first",
                "authorization: BEARER FIRST > first",
                "Authorization: Bearer nonsense > nobody",
            })
    void withoutCookiesConfiguredOnlyAuthorizationCounts(String headers, String user) {
        assertUser(STAGE.pod(), headers, user);
    }

    @Test
    void cookieIsIgnoredUnlessConfigured() {
        assertThat(status(STAGE.pod(), "/api/channels/user:7", "Cookie: Bearer=FIRST; session=FIRST"))
                .isEqualTo(401);
    }

    @Test
    void foreignPageCannotUseACookie() {
        String cookie = "session=" + Tokens.withGroups("backend", "publisher");
        Api api = Api.with(byCookie, "");
        String path = "/api/channels/user:7/messages";
        assertThat(api.post(path, new byte[] {'x'}, "Cookie", cookie).statusCode())
                .isEqualTo(202);
        String own = "http://localhost:" + byCookie.port();
        assertThat(api.post(path, new byte[] {'x'}, "Cookie", cookie, "Origin", own)
                        .statusCode())
                .isEqualTo(202);
        Api.assertProblem(api.post(path, new byte[] {'x'}, "Cookie", cookie, "Origin", "https://evil.example"), 403);
    }

    /** Asserts the request's user: {@code first} is an operator, {@code nobody} is refused, others may only connect. */
    private static void assertUser(Pod pod, String headers, String user) {
        boolean good = !user.equals("nobody");
        assertThat(upgrade(pod, headers)).contains(good ? "\"user_id\":\"" + user + "\"" : "HTTP/1.1 401");
        assertThat(status(pod, "/api/channels/user:7", headers))
                .isEqualTo(good ? user.equals("first") ? 200 : 403 : 401);
    }

    private static int status(Pod pod, String path, String headers) {
        try (Socket socket = send(pod, path, headers)) {
            return Api.status(socket.getInputStream());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns the answer up to the end of the refusal, or of the answer to the token. */
    private static String upgrade(Pod pod, String headers) {
        String upgrade = "Upgrade: websocket|Connection: Upgrade|Sec-WebSocket-Version: 13"
                + "|Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==|";
        StringBuilder text = new StringBuilder();
        try (Socket socket = send(pod, "/ws", upgrade + headers)) {
            InputStream in = socket.getInputStream();
            while (text.indexOf("\r\n\r\n") < 0 || (text.indexOf("HTTP/1.1 101") == 0 && text.indexOf("}") < 0)) {
                int next = in.read();
                assertThat(next).as(text.toString()).isNotNegative();
                text.append((char) next);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(text.toString(), e);
        }
        return text.toString();
    }

    private static Socket send(Pod pod, String path, String headers) throws IOException {
        String lines = headers.replace("FIRST", FIRST).replace("SECOND", SECOND).replace("|", "\r\n");
        Socket socket = new Socket("localhost", pod.port());
        socket.setSoTimeout(60_000);
        socket.getOutputStream()
                .write(("GET " + path + " HTTP/1.1\r\nHost: localhost:" + pod.port() + "\r\n" + lines + "\r\n\r\n")
                        .getBytes(StandardCharsets.US_ASCII));
        return socket;
    }
}
