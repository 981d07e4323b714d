package dev.sluice.fuzz;

import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Random complete requests for streams of server-sent events, each with one reason for which no stream begins. The
 * connection stays open after the answer.
 */
public final class RefusedStreamRequests {

    private static final List<String> METHODS = List.of("POST", "PUT", "DELETE", "PATCH", "PROPFIND", "STREAM", "get");

    private static final List<String> PATHS =
            List.of("/SSE", "/sse/x", "/sse.", "/sse%00", "/sse%2f", "/sse/../sses", "/%73seX", "/sse//x");

    private static final List<String> QUERIES = List.of(
            "channel=upload:",
            "channel=",
            "channel",
            "channel=user:7",
            "channel=sluice:control",
            "channel=*",
            "channel=nothing:1",
            "channel=upload:%0d%0aSet-Cookie:x&channel=:",
            "channel=upload:1&channel=%00",
            "channel=$upload:1",
            "user=false",
            "user=maybe",
            "user=&channel=upload:1",
            "user=TRUE",
            "named=1",
            "named=&named=true",
            "since=x",
            "since=a.1.b",
            "since=..",
            "since=18f3c0-9a1b.99999999999999999999.7",
            "since=18f3c0-9a1b.-1.7",
            "since=18f3c0-9a1b.1.5.7");

    private static final List<String> IDS = List.of(
            "x",
            "..",
            "\u00ff\u00fe",
            "0-",
            "1-x",
            "~x",
            "~a.",
            "18446744073709551616-0",
            "null",
            "18f3c0-9a1b.9223372036854775808.7",
            "18f3c0-9a1b.0x1.-7",
            "18f3c0-9a1b.1e3.7",
            "18f3c0-9a1b.1.7, 18f3c0-9a1b.1.7");

    private static final List<String> ORIGINS =
            List.of("null", "http://[::1", "https://evil.example", "http://localhost.evil.example", "*");

    private static final List<String> AUTHORIZATIONS = List.of(
            "Bearer x", "Bearer", "Bearer a.b.c", "Bearer eyJhbGciOiJub25lIn0.e30.", "Basic Og==", "Digest x", "x");

    /** These change nothing. */
    private static final List<String> MORE = List.of(
            "Accept-Encoding: gzip, deflate, br, zstd",
            "Accept: application/json",
            "Accept: nonsense",
            "Cache-Control: no-cache",
            "Connection: keep-alive",
            "Content-Length: 0",
            "Cookie: =;;=\"",
            "Range: bytes=0-",
            "TE: trailers",
            "X-Forwarded-Host: evil.example",
            "Sec-WebSocket-Version: 13");

    private final SplittableRandom random;
    private final String authorized;

    /**
     * A request.
     *
     * @param text in ISO 8859-1
     * @param status of the answer
     * @param hasBody whether the answer may have a body
     */
    public record Request(String text, int status, boolean hasBody) {

        private Request withoutBody() {
            return new Request(text, status, false);
        }

        private Request sending(String body) {
            return new Request(text + body, status, hasBody);
        }
    }

    /**
     * Creates a generator.
     *
     * @param token a valid one
     */
    public RefusedStreamRequests(long seed, String token) {
        random = new SplittableRandom(seed);
        authorized = "Authorization: Bearer " + token + "\r\n";
    }

    /** Returns another request. */
    public Request next() {
        // The pod verifies the tokens of one in ten, because that costs several times as much as the rest.
        return random.nextInt(10) > 0 ? unverified() : verified();
    }

    private Request unverified() {
        return switch (random.nextInt(7)) {
            case 0 -> request(one(METHODS), "/sse" + query(), random.nextBoolean() ? authorized : "", 405);
            case 1 -> request("GET", one(PATHS), authorized, 404);
            case 2 -> request("GET", "/sse;" + random.nextInt(), authorized, 400);
            case 3 -> request("GET", "/sse" + query(), "", 401);
            case 4 -> request("GET", "/sse" + query(), authorized + "Origin: " + one(ORIGINS) + "\r\n", 403);
            case 5 ->
                request("OPTIONS", "/sse" + query(), random.nextBoolean() ? authorized : "", 204)
                        .withoutBody();
            default ->
                request("GET", "/sse" + query(), authorized + "Content-Length: 3\r\n", 400)
                        .sending("abc");
        };
    }

    private Request verified() {
        return switch (random.nextInt(6)) {
            case 0 -> request("GET", "/sse" + query(), "Authorization: " + one(AUTHORIZATIONS) + "\r\n", 401);
            case 1 -> request("GET", "/sse" + query(), authorized + "Last-Event-ID: " + one(IDS) + "\r\n", 400);
            case 2 -> request("HEAD", "/sse?" + one(QUERIES), authorized, 400).withoutBody();
            case 3 -> request("GET", "/sse?channel=upload:" + "x".repeat(257 + random.nextInt(300)), authorized, 400);
            case 4 -> request("GET", channels(random.nextInt(10) > 0 ? 257 : 500), authorized, 400);
            default -> request("GET", "/sse?" + one(QUERIES), authorized, 400);
        };
    }

    /** Returns a request for a stream that begins. */
    public String stream() {
        return request("GET", "/sse" + query(), authorized, 200).text;
    }

    private String query() {
        return random.nextBoolean() ? "" : "?channel=upload:" + random.nextInt(100);
    }

    private static String channels(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> "channel=upload:" + i)
                .collect(Collectors.joining("&", "/sse?", ""));
    }

    private Request request(String method, String target, String headers, int status) {
        StringBuilder text = new StringBuilder(method)
                .append(' ')
                .append(target)
                .append(" HTTP/1.1\r\nHost: localhost\r\n")
                .append(headers);
        if (!headers.contains("Content-Length")) {
            // No line twice: two lengths are an error that ends the connection.
            int first = random.nextInt(MORE.size());
            for (int more = random.nextInt(3); more > 0; more--) {
                text.append(MORE.get((first + more) % MORE.size())).append("\r\n");
            }
        }
        return new Request(text.append("\r\n").toString(), status, true);
    }

    private <T> T one(List<T> of) {
        return of.get(random.nextInt(of.size()));
    }
}
