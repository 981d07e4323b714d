package dev.sluice.http;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.util.List;

/**
 * An error response in the format of RFC 9457.
 *
 * @param status the HTTP status
 * @param detail a sentence for the client; quotes no text of the request
 * @param errors the errors of fields, if any
 */
public record Problem(int status, String detail, List<FieldError> errors) {

    /** The media type of {@link #json}. */
    public static final String MEDIA_TYPE = "application/problem+json";

    /** Creates a problem without errors of fields. */
    public Problem(int status, String detail) {
        this(status, detail, List.of());
    }

    /** Returns the response body. */
    public String json() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("title", HttpResponseStatus.valueOf(status).reasonPhrase());
        json.put("status", status);
        json.put("detail", detail);
        if (!errors.isEmpty()) {
            ArrayNode list = json.putArray("errors");
            errors.forEach(error -> list.addObject().put("field", error.field()).put("message", error.message()));
        }
        return json.toString();
    }
}
