package dev.sluice.demo;

import static io.restassured.RestAssured.given;
import static io.restassured.RestAssured.when;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.endsWith;
import static org.hamcrest.Matchers.not;

import dev.sluice.harness.Discretion;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import io.restassured.http.ContentType;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tests dev mode over the wire, with the application in the profile "dev". */
@QuarkusTest
@TestProfile(Dev.class)
class DevModeTest {

    private final List<WebSocket> sockets = new ArrayList<>();

    @AfterEach
    void leave() {
        sockets.forEach(WebSocket::abort);
    }

    @AfterAll
    static void neitherTokensNorPayloadsWereLogged() throws IOException {
        String log = Files.readString(Dev.LOG);
        assertThat(log).contains("Started a Redis");
        Discretion.assertKept(log, List.of("progress_percent", "notification"));
    }

    @TestHTTPResource("/ws")
    URI webSocket;

    @TestHTTPResource(value = "/health/ready", management = true)
    URI readiness;

    @Test
    void pageIsServed() {
        String page = when().get("/")
                .then()
                .statusCode(200)
                .contentType(containsString("text/html"))
                .header("Content-Security-Policy", not(containsString("unsafe")))
                .extract()
                .asString();
        assertThat(page).contains("<title>Sluice</title>").doesNotContain("<script>", "style=", "onclick");
        for (String file : List.of("demo.html", "demo.js", "person.js", "publish.js", "style.css")) {
            when().get("/demo/" + file).then().statusCode(200);
        }
        when().get("/console/extras.js")
                .then()
                .statusCode(200)
                .body(containsString("console in dev mode"), containsString("/demo/demo.html"));
    }

    @Test
    void sampleWorkReachesItsUserThroughRedis() {
        await().atMost(60, TimeUnit.SECONDS).until(() -> when().get(readiness).statusCode() == 200);
        Queue<String> alice = connect("alice");
        Queue<String> bob = connect("bob");
        await().atMost(60, TimeUnit.SECONDS)
                .until(() -> alice.stream().anyMatch(frame -> frame.contains("subscribed")));
        // Named twice, as by a browser that repeats a request whose connection breaks before the answer.
        given().contentType(ContentType.JSON)
                .body("{\"user\":\"alice\",\"uploads\":[\"sample\",\"sample\"]}")
                .when()
                .post("/dev/uploads")
                .then()
                .statusCode(202);
        await().atMost(120, TimeUnit.SECONDS)
                .until(() -> alice.stream().anyMatch(frame -> frame.contains("notification")));
        assertThat(alice)
                .filteredOn(frame -> frame.contains("\"status\":\"pending\""))
                .hasSize(1);
        assertThat(alice)
                .anyMatch(frame -> frame.contains("\"progress_percent\":100"))
                .anyMatch(frame -> frame.contains("upload_completed"));
        assertThat(bob).allMatch(frame -> frame.contains("auth_success") || frame.contains("\"ping\""));
    }

    @ParameterizedTest
    @CsvSource({
        "http://localhost:3000, true",
        "http://localhost, true",
        "http://127.0.0.1:5173, true",
        "http://[::1]:5173, true",
        "http://localhost.evil.example:3000, false",
        "http://evil.example, false",
    })
    void localPageOnAnyPortMayConnect(String origin, boolean allowed) {
        URI uri = URI.create(webSocket.toString().replaceFirst("^http", "ws"));
        CompletableFuture<WebSocket> socket = HttpClient.newHttpClient()
                .newWebSocketBuilder()
                .header("Origin", origin)
                .buildAsync(uri, new WebSocket.Listener() {});
        if (allowed) {
            socket.join().abort();
        } else {
            assertThatThrownBy(socket::join)
                    .hasCauseInstanceOf(WebSocketHandshakeException.class)
                    .cause()
                    .satisfies(refused -> assertThat(((WebSocketHandshakeException) refused)
                                    .getResponse()
                                    .statusCode())
                            .isEqualTo(403));
        }
    }

    @Test
    void tokenHasTheRolesAndChannelsOfTheRequest() {
        String token = given().queryParam("role", "operator")
                .queryParam("channel", "team:red", "team:*-{sub}")
                .when()
                .post("/dev/token")
                .then()
                .statusCode(200)
                .extract()
                .asString();
        assertThat(new String(
                        Base64.getUrlDecoder().decode(token.substring(token.indexOf('.') + 1, token.lastIndexOf('.'))),
                        StandardCharsets.UTF_8))
                .contains("\"groups\":[\"operator\"],\"channels\":[\"team:red\",\"team:*-{sub}\"]");
    }

    @Test
    void pageOfAnotherLocalServerMayReadTheToken() {
        String page = "http://localhost:3000";
        given().header("Origin", page)
                .when()
                .post("/dev/token")
                .then()
                .statusCode(200)
                .header("Access-Control-Allow-Origin", page);
        given().header("Origin", "https://evil.example")
                .when()
                .post("/dev/token")
                .then()
                .statusCode(403);
    }

    @Test
    void invalidRequestsGetAClearError() {
        given().queryParam("user", "a b")
                .when()
                .post("/dev/token")
                .then()
                .statusCode(400)
                .body(containsString("names"));
        given().contentType(ContentType.JSON)
                .body("{\"user\":\"alice\",\"uploads\":[]}")
                .when()
                .post("/dev/uploads")
                .then()
                .statusCode(400)
                .body(containsString("uploads"));
    }

    /** Returns everything that the user receives; alice subscribes to the sample upload, bob does not. */
    private Queue<String> connect(String user) {
        String token = given().queryParam("user", user)
                .when()
                .post("/dev/token")
                .then()
                .statusCode(200)
                .body(endsWith("\n"))
                .extract()
                .asString()
                .strip();
        Queue<String> heard = new ConcurrentLinkedQueue<>();
        URI uri = URI.create(webSocket.toString().replaceFirst("^http", "ws"));
        WebSocket socket = HttpClient.newHttpClient()
                .newWebSocketBuilder()
                .buildAsync(uri, new WebSocket.Listener() {
                    @Override
                    public CompletionStage<?> onText(WebSocket from, CharSequence text, boolean last) {
                        heard.add(text.toString());
                        return WebSocket.Listener.super.onText(from, text, last);
                    }
                })
                .join();
        sockets.add(socket);
        socket.sendText("{\"type\":\"auth\",\"token\":\"" + token + "\"}", true).join();
        if (user.equals("alice")) {
            socket.sendText("{\"action\":\"subscribe_upload\",\"upload_id\":\"sample\"}", true)
                    .join();
        }
        await().atMost(60, TimeUnit.SECONDS).until(() -> !heard.isEmpty());
        return heard;
    }
}
