package dev.sluice.bench.attack;

import dev.sluice.harness.RawClient;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A connection that sends any bytes, and ends with a reset. */
final class RawSocket implements AutoCloseable {

    static final int FINAL_TEXT = 0x81;
    static final int FINAL_PING = 0x89;

    /** The request for an upgrade, without the empty line at its end. */
    static final String UPGRADE = "GET /ws HTTP/1.1\r\nHost: pod\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

    static final int SWITCHING_PROTOCOLS = 101;

    /** The code of an end without a close frame. */
    private static final int NO_CODE = 1006;

    private static final String PING_MESSAGE = "{\"action\":\"ping\"}";
    private static final int OPCODE = 0x0f;
    private static final int CLOSE = 8;
    private static final int PATIENCE_MILLIS = 20_000;
    private static final int BUFFER = 1024;
    private static final Pattern STATUS = Pattern.compile("HTTP/1\\.1 (\\d{3}) .*");
    private static final Pattern LENGTH = Pattern.compile("(?i)content-length: *(\\d+)");

    private final Socket socket = new Socket();
    private final DataInputStream in;

    RawSocket(InetSocketAddress pod) throws IOException {
        try {
            socket.setTcpNoDelay(true);
            socket.setSoLinger(true, 0);
            socket.setSoTimeout(PATIENCE_MILLIS);
            socket.connect(pod, PATIENCE_MILLIS);
            in = new DataInputStream(new BufferedInputStream(socket.getInputStream(), BUFFER));
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    void say(String text) throws IOException {
        say(text.getBytes(StandardCharsets.US_ASCII));
    }

    void say(byte[] bytes) throws IOException {
        socket.getOutputStream().write(bytes);
    }

    /** Requests an upgrade with further header lines, and returns the status of the answer. */
    int upgrade(String headers) throws IOException {
        say(UPGRADE + headers + "\r\n");
        return status();
    }

    /** Sends a text message. */
    void message(String text) throws IOException {
        say(frame(FINAL_TEXT, text));
    }

    /** A frame of ASCII with that first byte, and a mask of zeros. */
    static byte[] frame(int first, String payload) {
        return frame(first, payload.getBytes(StandardCharsets.US_ASCII));
    }

    /** The same with any payload. */
    static byte[] frame(int first, byte[] payload) {
        return RawClient.encoded(first, payload, 1);
    }

    /** Whether a part of an answer has come. */
    boolean isAnswered() throws IOException {
        return in.available() > 0;
    }

    /** Reads the next answer, and returns its status. */
    int status() throws IOException {
        Matcher first = STATUS.matcher(line());
        if (!first.matches()) {
            throw new IOException("no HTTP");
        }
        int length = 0;
        for (String line = line(); !line.isEmpty(); line = line()) {
            Matcher header = LENGTH.matcher(line);
            if (header.matches()) {
                length = Integer.parseInt(header.group(1));
            }
        }
        in.skipNBytes(length);
        return Integer.parseInt(first.group(1));
    }

    /** The next text message that is no ping, of less than 64 KB. */
    String heard() throws IOException {
        while (true) {
            int opcode = in.readUnsignedByte() & OPCODE;
            if (opcode == CLOSE) {
                throw new EOFException("closed");
            }
            String text = new String(payload(), StandardCharsets.UTF_8);
            if (opcode == (FINAL_TEXT & OPCODE) && !text.equals(PING_MESSAGE)) {
                return text;
            }
        }
    }

    /** The code of the close frame; drops earlier frames. */
    int closeCode() {
        try {
            while (true) {
                int opcode = in.readUnsignedByte() & OPCODE;
                byte[] payload = payload();
                if (opcode == CLOSE) {
                    return (payload[0] & 0xff) << 8 | payload[1] & 0xff;
                }
            }
        } catch (IOException e) {
            return NO_CODE;
        }
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private byte[] payload() throws IOException {
        int length = in.readUnsignedByte();
        return in.readNBytes(length < 126 ? length : in.readUnsignedShort());
    }

    private String line() throws IOException {
        StringBuilder line = new StringBuilder();
        for (int next = in.readUnsignedByte(); next != '\n'; next = in.readUnsignedByte()) {
            if (next != '\r') {
                line.append((char) next);
            }
        }
        return line.toString();
    }
}
