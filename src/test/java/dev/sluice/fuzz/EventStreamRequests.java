package dev.sluice.fuzz;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Random requests for streams of server-sent events, one or several on a connection. */
public final class EventStreamRequests {

    private static final List<String> METHODS = List.of(
            "GET", "GET", "GET", "GET", "GET", "GET", "HEAD", "OPTIONS", "POST", "DELETE", "get", "STREAM", "\u0001");

    private static final List<String> PATHS = List.of(
            "/sse", "/sse", "/sse", "/sse", "/sse/", "//sse", "/sse/..", "/sse;a=b", "/%73se", "/sse%00", "/SSE");

    private static final List<String> PARAMETERS = List.of(
            "channel=upload:1",
            "channel=upload:1",
            "channel=upload:2",
            "channel=upload:%F0%9F%93%A6",
            "channel=upload:%ff",
            "channel=upload:%0d%0aSet-Cookie:x",
            "channel=upload:",
            "channel=",
            "channel",
            "channel=%",
            "channel=user:7",
            "channel=sluice:control",
            "channel=*",
            "channel[]=upload:1",
            "user=true",
            "user=false",
            "user=maybe",
            "user=",
            "named=true",
            "named=1",
            "since=",
            "since=x",
            "since=a.1.b",
            "since=18f3c0-9a1b.99999999999999999999.7",
            "since=18f3c0-9a1b.-1.7",
            "since=..",
            "access_token=x",
            "&&&",
            "=",
            "?");

    private static final List<String> IDS = List.of(
            "",
            "x",
            "a.1.b",
            "..",
            "18f3c0-9a1b.1.7",
            "18f3c0-9a1b.9223372036854775808.7",
            "18f3c0-9a1b.0x1.-7",
            "\u00ff\u00fe",
            "0",
            "null");

    private static final List<String> MORE = List.of(
            "Accept: text/event-stream",
            "Accept: nonsense",
            "Accept-Encoding: gzip, deflate, br, zstd",
            "Cache-Control: no-cache",
            "Connection: close",
            "Connection: upgrade",
            "Upgrade: websocket",
            "Origin: null",
            "Origin: http://[::1",
            "Cookie: =;;=\"",
            "Range: bytes=0-",
            "Expect: 100-continue",
            "Content-Length: 0",
            "Content-Length: 3",
            "Content-Length: -1",
            "Transfer-Encoding: chunked",
            "TE: trailers",
            "no colon",
            " folded: header");

    private final SplittableRandom random;

    public EventStreamRequests(long seed) {
        random = new SplittableRandom(seed);
    }

    /**
     * Returns what another client sends.
     *
     * @param authorizations what may stand in the header of that name
     */
    public byte[] next(List<String> authorizations) {
        StringBuilder all = new StringBuilder();
        for (int requests = chance(3) ? 1 + random.nextInt(4) : 1; requests > 0; requests--) {
            all.append(request(one(authorizations)));
        }
        if (chance(20)) {
            all.setCharAt(random.nextInt(all.length()), (char) random.nextInt(256));
        }
        byte[] sent = all.toString().getBytes(StandardCharsets.ISO_8859_1);
        return chance(10) ? Arrays.copyOf(sent, random.nextInt(sent.length)) : sent;
    }

    private String request(String authorization) {
        StringBuilder request = new StringBuilder(one(METHODS) + " " + one(PATHS));
        request.append(chance(100) ? channels(random.nextInt(10_000)) : query());
        String version = chance(20) ? one(List.of("HTTP/1.0", "HTTP/2.0", "HTTP/1.1 x", "")) : "HTTP/1.1";
        request.append(' ')
                .append(version)
                .append("\r\nHost: localhost\r\nAuthorization: ")
                .append(authorization);
        if (chance(3)) {
            request.append("\r\nLast-Event-ID: ").append(chance(10) ? "9".repeat(random.nextInt(5_000)) : one(IDS));
        }
        for (int more = random.nextInt(3); more > 0; more--) {
            request.append("\r\n").append(one(MORE));
        }
        if (chance(100)) {
            request.append("\r\nLarge: ").append("x".repeat(random.nextInt(100_000)));
        }
        return request.append("\r\n\r\n")
                .append(chance(10) ? one(List.of("abc", "0\r\n\r\n", "\r\n")) : "")
                .toString();
    }

    /** Returns the query of a request, with a question mark. */
    public String query() {
        return IntStream.range(0, random.nextInt(4))
                .mapToObj(i -> one(PARAMETERS))
                .collect(Collectors.joining("&", "?", ""));
    }

    private static String channels(int count) {
        return IntStream.range(0, count).mapToObj(i -> "channel=upload:" + i).collect(Collectors.joining("&", "?", ""));
    }

    private <T> T one(List<T> of) {
        return of.get(random.nextInt(of.size()));
    }

    /** Returns true once in the given number of times. */
    private boolean chance(int times) {
        return random.nextInt(times) == 0;
    }
}
