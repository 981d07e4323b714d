package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.harness.Discretion;
import dev.sluice.harness.Pod;
import dev.sluice.harness.RawClient;
import dev.sluice.harness.Tokens;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** An HTTP client for a pod, with a token. */
final class Api {

    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static final Pattern LENGTH = Pattern.compile("(?i)content-length: (\\d+)");

    private final Pod pod;
    private final String token;

    private Api(Pod pod, String token) {
        this.pod = pod;
        this.token = token;
    }

    static Api with(Pod pod, String token) {
        return new Api(pod, token);
    }

    static Api publisher(Pod pod) {
        return new Api(pod, Tokens.withGroups("backend", "publisher"));
    }

    static Api operator(Pod pod) {
        return new Api(pod, Tokens.withGroups("admin", "operator"));
    }

    HttpResponse<String> post(String path, byte[] body, String... headers) {
        Discretion.published(body);
        return send("POST", path, BodyPublishers.ofByteArray(body), headers);
    }

    HttpResponse<String> post(String path, String json) {
        return post(path, json.getBytes(StandardCharsets.UTF_8), "Content-Type", "application/json");
    }

    /** Posts a body in chunks, without its length. */
    HttpResponse<String> postInChunks(String path, byte[] body) {
        Discretion.published(body);
        return send("POST", path, BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body)));
    }

    HttpResponse<String> get(String path, String... headers) {
        return send("GET", path, BodyPublishers.noBody(), headers);
    }

    HttpResponse<String> delete(String path) {
        return send("DELETE", path, BodyPublishers.noBody());
    }

    HttpResponse<String> send(String method, String path, HttpRequest.BodyPublisher body, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(pod.http(path)).method(method, body);
        if (!token.isEmpty()) {
            request.header("Authorization", "Bearer " + token);
        }
        if (headers.length > 0) {
            request.headers(headers);
        }
        try {
            return HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Returns the status for a request with exactly this first line and these headers, and no body. */
    static int status(Pod pod, String start, Map<String, String> headers) {
        StringBuilder request = new StringBuilder(start).append(" HTTP/1.1\r\nHost: localhost:" + pod.port() + "\r\n");
        headers.forEach(
                (name, value) -> request.append(name).append(": ").append(value).append("\r\n"));
        try (Socket socket = new Socket("localhost", pod.port())) {
            socket.setSoTimeout(60_000);
            socket.getOutputStream().write(request.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1));
            return status(socket.getInputStream());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns the answer to a raw request: its head and, if it has a length and the request is not HEAD, its body. */
    static String ask(Socket socket, String request) throws IOException {
        socket.setSoTimeout(60_000);
        socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
        String head = RawClient.head(socket);
        Matcher length = LENGTH.matcher(head);
        return request.startsWith("HEAD") || !length.find()
                ? head
                : head
                        + new String(
                                socket.getInputStream().readNBytes(Integer.parseInt(length.group(1))),
                                StandardCharsets.UTF_8);
    }

    /** Returns the status of the next answer. */
    static int status(InputStream in) throws IOException {
        return Integer.parseInt(new String(in.readNBytes(12), StandardCharsets.ISO_8859_1).substring(9));
    }

    /** Asserts that the answer is a problem with this status. */
    static Json assertProblem(HttpResponse<String> answer, int status) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        assertThat(answer.headers().firstValue("Content-Type")).contains("application/problem+json");
        assertThat(answer.body()).doesNotContain("dev.sluice", "java.", "jackson", "Exception", "`");
        Json problem = Json.from(answer.body());
        assertThat(problem.getInt("status")).isEqualTo(status);
        assertThat(problem.getString("title")).isNotEmpty();
        assertThat(problem.getString("detail")).isNotEmpty();
        return problem;
    }
}
