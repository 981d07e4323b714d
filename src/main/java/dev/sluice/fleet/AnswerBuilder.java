package dev.sluice.fleet;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** The answer of one pod, which must fit into one message. Lists are cut, and then the field {@link #CUT} is true. */
public final class AnswerBuilder {

    /** The field that tells that a list is not complete. */
    public static final String CUT = "cut";

    /**
     * The bytes of all lists together. Signed and in Base64, they and the rest must fit into the 16 KB of a message on a
     * pods' channel.
     */
    static final int MAX_BYTES = 9_000;

    private final ObjectNode content = JsonNodeFactory.instance.objectNode();
    private int bytes;

    /** The answer without its lists: a few numbers and short texts. */
    public ObjectNode content() {
        return content;
    }

    /** Adds an element to a list, and returns true, if there is room for it. */
    public boolean add(String list, JsonNode element) {
        int length = escapedLength(element.toString()) + 1;
        if (bytes + length > MAX_BYTES) {
            content.put(CUT, true);
            return false;
        }
        bytes += length;
        ArrayNode elements = content.withArrayProperty(list);
        elements.add(element);
        return true;
    }

    /** Returns the maximum length of JSON that becomes a JSON string in the signed message. */
    public static int escapedLength(String json) {
        int length = 0;
        for (int i = 0; i < json.length(); i++) {
            char c = json.charAt(i);
            if (c == '"' || c == '\\' || c == '/') {
                length += 2;
            } else {
                length += c < 0x7F ? 1 : 6;
            }
        }
        return length;
    }
}
