package dev.sluice.http;

import io.vertx.core.http.HttpServerRequest;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Decodes a name in a path segment. Strict, because the framework turns an invalid escape into another name, which may
 * belong to another user.
 */
public final class PathSegment {

    /** The segment that stands for the query parameter. */
    private static final String IN_QUERY = "-";

    private PathSegment() {}

    /**
     * Returns the decoded segment or, if the segment is {@code -}, the decoded query parameter. A segment can't hold
     * every name: routers and proxies resolve {@code ..}, and some decode {@code %2F}.
     *
     * @param encoded the segment; must be {@code -} if there is a query parameter
     * @param parameter the name of the query parameter
     * @throws ProblemException if the name is not percent-encoded UTF-8, or the request has more than one name
     */
    public static String decode(String encoded, String parameter, HttpServerRequest request) {
        return decode(encoded, parameter, request.query());
    }

    static String decode(String encoded, String parameter, @Nullable String query) {
        List<String> values = values(parameter, query);
        if (values.isEmpty()) {
            return decode(encoded);
        }
        if (values.size() > 1 || !encoded.equals(IN_QUERY)) {
            throw ProblemException.badRequest(
                    "A request with the query parameter must have it once, and '-' in the path");
        }
        String value = values.get(0);
        if (value.isEmpty()) {
            throw ProblemException.badRequest("The query parameter must not be empty");
        }
        if (value.indexOf('+') >= 0) {
            // Some programs decode '+' as a space, some as a plus: two names, of which one may belong to another user.
            throw ProblemException.badRequest("In the query, a space must be written as %20 and a plus as %2B");
        }
        return decode(value);
    }

    /** Returns the values still encoded, because the framework decodes a value with a percent sign twice. */
    private static List<String> values(String parameter, @Nullable String query) {
        if (query == null) {
            return List.of();
        }
        String start = parameter + "=";
        return Arrays.stream(query.split("&", -1))
                .filter(part -> part.equals(parameter) || part.startsWith(start))
                .map(part -> part.substring(Math.min(part.length(), start.length())))
                .toList();
    }

    /**
     * Returns the decoded segment.
     *
     * @throws ProblemException if the segment is not percent-encoded UTF-8
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
