package dev.sluice.events;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.exc.InputCoercionException;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.exc.InvalidTypeIdException;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.http.FieldError;
import dev.sluice.http.ProblemException;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Describes what Jackson could not read, because Jackson's messages quote the request and name classes. */
final class JsonErrors {

    static final PropertyNamingStrategies.NamingBase SNAKE_CASE =
            (PropertyNamingStrategies.NamingBase) PropertyNamingStrategies.SNAKE_CASE;

    private static final String ACTION = "action";

    /** The maximum length of a field's name in a message. */
    private static final int MAX_FIELD = 100;

    private JsonErrors() {}

    static ProblemException noObject() {
        return ProblemException.badRequest("The body must be a JSON object in UTF-8");
    }

    static ProblemException syntax(JsonProcessingException failure) {
        JsonLocation where = failure.getLocation();
        return ProblemException.badRequest(
                where == null
                        ? "The body is not JSON"
                        : "The body is not JSON from line %d, column %d on"
                                .formatted(where.getLineNr(), where.getColumnNr()));
    }

    static ProblemException number() {
        return ProblemException.badRequest("A number in the body is too large or too small to be read");
    }

    /** Describes the error of a field. */
    static FieldError error(JsonProcessingException failure) {
        if (failure instanceof InvalidTypeIdException unknown) {
            return new FieldError(ACTION, "must be " + actions(unknown));
        }
        if (failure instanceof JsonMappingException mismatch) {
            String path = String.join(".", path(mismatch));
            return new FieldError(
                    path.length() <= MAX_FIELD ? path : path.substring(0, MAX_FIELD) + "...", expectation(mismatch));
        }
        return new FieldError("", "can't be read");
    }

    /** Removes the field that could not be read; returns false if that is impossible, or leaves nothing to read. */
    static boolean remove(JsonProcessingException failure, JsonNode root) {
        if (failure instanceof InvalidTypeIdException || !(failure instanceof JsonMappingException mismatch)) {
            return false;
        }
        List<String> path = path(mismatch);
        JsonNode parent = root;
        for (String name : path.subList(0, Math.max(0, path.size() - 1))) {
            parent = parent.path(name);
        }
        return !path.isEmpty()
                && parent instanceof ObjectNode object
                && object.remove(path.get(path.size() - 1)) != null;
    }

    private static String actions(InvalidTypeIdException unknown) {
        boolean upload =
                UploadEvent.class.isAssignableFrom(unknown.getBaseType().getRawClass());
        String all = "one of upload_progress, upload_completed, upload_failed";
        return upload ? all : all + ", batch_progress";
    }

    private static String expectation(JsonMappingException failure) {
        if (failure.getCause() instanceof InputCoercionException) {
            return "is too large a number";
        }
        @Nullable
        Class<?> type = failure instanceof MismatchedInputException mismatch ? mismatch.getTargetType() : null;
        if (failure instanceof UnrecognizedPropertyException) {
            return "is not a field of this event";
        }
        if (type == null) {
            return "is invalid";
        }
        if (type.isEnum()) {
            return "must be one of "
                    + Arrays.stream(type.getEnumConstants())
                            .map(constant -> constant.toString().toLowerCase(Locale.ROOT))
                            .collect(Collectors.joining(", "));
        }
        if (type == Instant.class) {
            return "must be a time such as 2026-11-24T12:00:00Z";
        }
        if (type == String.class) {
            return "must be a string";
        }
        if (type == BigDecimal.class) {
            return "must be a number";
        }
        return type == Long.class ? "must be a whole number" : "must be an object";
    }

    private static List<String> path(JsonMappingException failure) {
        return failure.getPath().stream()
                .map(part -> Objects.requireNonNullElse(part.getFieldName(), "[]"))
                .toList();
    }
}
