package dev.sluice.http;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * Decodes a part of a path that names something. Strictly: what the framework makes of a broken escape is another name,
 * and may be somebody else's.
 */
public final class PathSegment {

    private PathSegment() {}

    /**
     * What the percent-encoded segment says.
     *
     * @throws ProblemException where it is no percent-encoded UTF-8
     */
    public static String decode(String encoded) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(encoded.length());
        for (int i = 0; i < encoded.length(); i++) {
            char c = encoded.charAt(i);
            if (c == '%') {
                bytes.write(octet(encoded, i + 1));
                i += 2;
            } else if (c > ' ' && c < 0x7F) {
                bytes.write(c);
            } else {
                throw broken();
            }
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes.toByteArray()))
                    .toString();
        } catch (CharacterCodingException e) {
            throw broken();
        }
    }

    private static int octet(String encoded, int at) {
        int high = at + 1 < encoded.length() ? Character.digit(encoded.charAt(at), 16) : -1;
        int low = at + 1 < encoded.length() ? Character.digit(encoded.charAt(at + 1), 16) : -1;
        if (high < 0 || low < 0) {
            throw broken();
        }
        return high << 4 | low;
    }

    private static ProblemException broken() {
        return ProblemException.badRequest("The path is not percent-encoded UTF-8");
    }
}
