package dev.sluice.fuzz;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;

/** Random requests in place of an upgrade. */
public final class Upgrades {

    private static final List<String> REQUEST_LINES = List.of(
            "GET /ws HTTP/1.1",
            "GET /ws/uploads HTTP/1.1",
            "GET /ws/ HTTP/1.1",
            "GET /ws?token=x HTTP/1.1",
            "GET /ws/../ws HTTP/1.1",
            "GET //ws HTTP/1.1",
            "GET /ws%00 HTTP/1.1",
            "GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1",
            "GET /ws;a=b HTTP/1.1",
            "GET http://evil.example/ws HTTP/1.1",
            "GET * HTTP/1.1",
            "GET  HTTP/1.1",
            "GET /ws HTTP/1.0",
            "GET /ws HTTP/0.9",
            "GET /ws HTTP/2.0",
            "GET /ws HTTP/1.1 x",
            "GET /ws",
            "POST /ws HTTP/1.1",
            "OPTIONS /ws HTTP/1.1",
            "TRACE /ws HTTP/1.1",
            "CONNECT localhost:80 HTTP/1.1",
            "get /ws HTTP/1.1",
            "\u0000 /ws HTTP/1.1");

    private static final List<String> HEADERS = List.of(
            "Host: localhost",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==");

    private static final List<String> MORE = List.of(
            "Host: evil.example",
            "Upgrade: h2c",
            "Upgrade: WebSocket, h2c",
            "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
            "Connection: close",
            "Connection: keep-alive, Upgrade",
            "Sec-WebSocket-Version: 8",
            "Sec-WebSocket-Version: 99999999999999999999",
            "Sec-WebSocket-Version: x",
            "Sec-WebSocket-Key: x",
            "Sec-WebSocket-Key:",
            "Sec-WebSocket-Protocol: sluice.v1",
            "Sec-WebSocket-Protocol: ,,, \u0001",
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=0",
            "Sec-WebSocket-Extensions: ;;;=\"",
            "Origin: null",
            "Origin: http://[::1",
            "Origin: http://a b",
            "Authorization: Bearer",
            "Authorization: Bearer ..",
            "Authorization: Bearer eyJhbGciOiJub25lIn0.e30.",
            "Authorization: Basic Og==",
            "Cookie: =;;=\"",
            "X-Forwarded-For: ' OR 1=1",
            "X-Forwarded-Host: evil.example",
            "Forwarded: for=\"[::1",
            "Content-Length: 5",
            "Content-Length: -1",
            "Content-Length: 99999999999999999999",
            "Transfer-Encoding: chunked",
            "Transfer-Encoding: chunked, identity",
            "Expect: 100-continue",
            "Expect: the unexpected",
            " folded: header",
            ": no name",
            "no colon",
            "N\u00e4me: \u00fc",
            "Control: \u0007");

    private final SplittableRandom random;

    public Upgrades(long seed) {
        random = new SplittableRandom(seed);
    }

    /** Returns another request. */
    public byte[] next() {
        byte[] request = switch (random.nextInt(10)) {
            case 0 -> bytes(random.nextInt(2_000));
            case 1 -> "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.ISO_8859_1);
            case 2 -> new byte[] {0x16, 3, 1, 2, 0, 1, 0, 1, (byte) 0xfc, 3, 3};
            default -> request().getBytes(StandardCharsets.ISO_8859_1);
        };
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.writeBytes(request);
        if (chance(5)) {
            all.writeBytes(bytes(random.nextInt(500)));
        }
        byte[] sent = all.toByteArray();
        return chance(10) && sent.length > 0 ? Arrays.copyOf(sent, random.nextInt(sent.length)) : sent;
    }

    private String request() {
        List<String> headers = new ArrayList<>(HEADERS);
        for (int changes = random.nextInt(4); changes > 0; changes--) {
            switch (random.nextInt(5)) {
                case 0 -> headers.remove(random.nextInt(headers.size()));
                case 1 -> headers.add(headers.get(random.nextInt(headers.size())));
                case 2 -> Collections.swap(headers, 0, random.nextInt(headers.size()));
                default -> headers.add(MORE.get(random.nextInt(MORE.size())));
            }
        }
        if (chance(30)) {
            headers.add("Large: " + "x".repeat(random.nextInt(100_000)));
        }
        if (chance(30)) {
            headers.addAll(Collections.nCopies(random.nextInt(5_000), "A: b"));
        }
        String line = REQUEST_LINES.get(chance(2) ? 0 : random.nextInt(REQUEST_LINES.size()));
        String end = chance(20) ? "\n" : "\r\n";
        StringBuilder request = new StringBuilder(line + end + String.join(end, headers) + end + end);
        if (chance(4)) {
            request.setCharAt(random.nextInt(request.length()), (char) random.nextInt(256));
        }
        return request.toString();
    }

    private byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    /** Returns true once in the given number of times. */
    private boolean chance(int times) {
        return random.nextInt(times) == 0;
    }
}
