package dev.sluice.fuzz;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.SplittableRandom;

/** Random requests for the HTTP API that are valid HTTP. */
public final class ApiRequests {

    private static final List<String> METHODS =
            List.of("POST", "POST", "POST", "POST", "GET", "DELETE", "PUT", "PATCH", "OPTIONS", "DANCE");

    private static final List<String> PATHS = List.of(
            "/api/channels/%s/messages",
            "/api/channels/%s/messages",
            "/api/uploads/%s/events",
            "/api/users/%s/events",
            "/api/channels/%s",
            "/api/users/%s/connections",
            "/api/users/%s",
            "/api/%s",
            "/api/channels/%s/messages/",
            "/api//channels/%s/messages",
            "/api/channels/x/../%s/messages");

    private static final List<String> SEGMENTS = List.of(
            "upload:42",
            "user:7",
            "42",
            "upload%3A42",
            "upload:%2F",
            "upload:a%3Bb",
            "upload:a;b=c",
            "%00",
            "%ff",
            "%c3%28",
            "%ed%a0%80",
            "%",
            "%zz",
            "%2e%2e",
            "..",
            "*",
            "upload:*",
            "sluice:control",
            "sluice%3Acanary",
            "upload:%0d%0aSET%20a%20b",
            "upload:%1b%5b31m",
            "user:%e2%80%ae",
            "upload:",
            ":",
            "unknown:1",
            "$%7Bjndi:ldap://x%7D",
            "%20",
            "");

    private static final List<String> TYPES = List.of(
            "application/json",
            "application/json",
            "application/json;charset=utf-8",
            "application/json;charset=nonsense",
            "application/octet-stream",
            "text/plain",
            "text/html",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "multipart/form-data; boundary=x",
            "application/xml",
            "application/x-java-serialized-object",
            "nonsense",
            "/",
            ";",
            "");

    private static final List<String> MORE = List.of(
            "Accept: text/html",
            "Accept: nonsense",
            "Accept: application/problem+json;q=2",
            "Accept-Language: ,,,;q=x",
            "Content-Encoding: gzip",
            "Content-Language: \u00fc",
            "Origin: https://evil.example",
            "Origin: null",
            "Cookie: =;;=",
            "X-HTTP-Method-Override: DELETE",
            "X-Forwarded-For: nonsense",
            "If-Match: *",
            "Range: bytes=0-18446744073709551615",
            "traceparent: 00-nonsense");

    private static final List<String> EVENTS = List.of(
            "{\"action\":\"upload_progress\",\"payload\":{\"upload_id\":\"42\",\"status\":\"analyzing\","
                    + "\"stage\":\"vision_analysis\",\"progress_percent\":50,\"message\":\"m\"}}",
            "{\"action\":\"upload_completed\",\"upload_id\":\"42\",\"description\":\"d\",\"audit_score\":90}",
            "{\"action\":\"upload_failed\",\"upload_id\":\"42\",\"error_message\":\"e\"}",
            "{\"action\":\"batch_progress\",\"payload\":{\"batch_id\":\"b\",\"status\":\"s\",\"total\":1,"
                    + "\"processed\":1,\"successful\":1,\"failed\":0,\"progress_percentage\":100}}");

    private static final List<String> VALUES = List.of(
            "null",
            "-1",
            "101",
            "1e400",
            "1e99999999999",
            "9223372036854775808",
            "\"50\"",
            "\"\"",
            "[]",
            "{}",
            "true",
            "\"\\ud800\"",
            "\"\\u0000\"",
            "\"<script>\"",
            "[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]");

    private final SplittableRandom random;
    private final Messages messages;

    public ApiRequests(long seed) {
        random = new SplittableRandom(seed);
        messages = new Messages(seed);
    }

    /**
     * Returns another request that closes the connection.
     *
     * @param authorizations possible values of the Authorization header; an empty one omits the header
     */
    public byte[] next(List<String> authorizations) {
        byte[] body = body();
        StringBuilder head = new StringBuilder(one(METHODS) + " " + path() + " HTTP/1.1\r\nHost: localhost\r\n");
        String authorization = one(authorizations);
        if (!authorization.isEmpty()) {
            head.append("Authorization: ").append(authorization).append("\r\n");
        }
        if (!chance(8)) {
            head.append("Content-Type: ").append(one(TYPES)).append("\r\n");
        }
        for (int more = random.nextInt(3); more > 0; more--) {
            head.append(one(MORE)).append("\r\n");
        }
        ByteArrayOutputStream request = new ByteArrayOutputStream();
        boolean chunked = chance(4);
        head.append(chunked ? "Transfer-Encoding: chunked" : "Content-Length: " + body.length);
        request.writeBytes((head + "\r\nConnection: close\r\n\r\n").getBytes(StandardCharsets.ISO_8859_1));
        if (chunked && body.length > 0) {
            request.writeBytes((Integer.toHexString(body.length) + "\r\n").getBytes(StandardCharsets.US_ASCII));
            request.writeBytes(body);
            request.writeBytes("\r\n".getBytes(StandardCharsets.US_ASCII));
        } else {
            request.writeBytes(body);
        }
        if (chunked) {
            request.writeBytes("0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        }
        return request.toByteArray();
    }

    private String path() {
        String segment = chance(20) ? "upload:" + "x".repeat(random.nextInt(3_000)) : one(SEGMENTS);
        return one(PATHS).replace("%s", segment) + (chance(10) ? "?a=%zz&b=[" : "");
    }

    private byte[] body() {
        return switch (random.nextInt(10)) {
            case 0 -> new byte[0];
            case 1 -> bytes(random.nextInt(500));
            case 2 -> messages.next().getBytes(StandardCharsets.UTF_8);
            case 3 -> "x".repeat(random.nextInt(chance(4) ? 400_000 : 4_000)).getBytes(StandardCharsets.US_ASCII);
            default -> event().getBytes(StandardCharsets.UTF_8);
        };
    }

    private String event() {
        String event = one(EVENTS);
        for (int changes = random.nextInt(3); changes > 0; changes--) {
            event = switch (random.nextInt(4)) {
                // Replaces the value of one field by any other.
                case 0 -> replaced(event, ":", one(VALUES));
                case 1 -> event.replaceFirst("\"[a-z_]+\":", "\"__proto__\":");
                case 2 -> event.replaceFirst("\\{", "{\"more\":" + one(VALUES) + ",");
                default -> event.substring(0, random.nextInt(event.length()));
            };
            if (event.isEmpty()) {
                return event;
            }
        }
        return event;
    }

    private String replaced(String event, String colon, String value) {
        int at = event.indexOf(colon, random.nextInt(event.length()));
        if (at < 0) {
            return event;
        }
        int end = at + 1;
        while (end < event.length() && ",}".indexOf(event.charAt(end)) < 0) {
            end++;
        }
        return event.substring(0, at + 1) + value + event.substring(end);
    }

    private byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    private <T> T one(List<T> of) {
        return of.get(random.nextInt(of.size()));
    }

    /** Returns true once in the given number of times. */
    private boolean chance(int times) {
        return random.nextInt(times) == 0;
    }
}
