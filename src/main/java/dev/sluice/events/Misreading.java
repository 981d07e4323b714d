package dev.sluice.events;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.exc.InvalidTypeIdException;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import dev.sluice.http.FieldError;
import dev.sluice.http.ProblemException;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Says in our own words what Jackson could not read: its own quote the request and name classes. */
final class Misreading {

    static final PropertyNamingStrategies.NamingBase SNAKE_CASE =
            (PropertyNamingStrategies.NamingBase) PropertyNamingStrategies.SNAKE_CASE;

    /** Names that the request has made up are not repeated at length. */
    private static final int MAX_FIELD = 100;

    private Misreading() {}

    static ProblemException problem(JsonProcessingException failure) {
        if (failure instanceof InvalidTypeIdException unknown) {
            return field("action", "must be " + actions(unknown));
        }
        if (failure instanceof MismatchedInputException mismatch) {
            String path = path(mismatch);
            return path.isEmpty()
                    ? ProblemException.badRequest("The body must be one JSON object")
                    : field(path, expectation(mismatch));
        }
        JsonLocation where = failure.getLocation();
        return ProblemException.badRequest(
                where == null
                        ? "The body is not JSON"
                        : "The body is not JSON from line %d, column %d on"
                                .formatted(where.getLineNr(), where.getColumnNr()));
    }

    private static ProblemException field(String name, String message) {
        return ProblemException.badFields(List.of(new FieldError(name, message)));
    }

    private static String actions(InvalidTypeIdException unknown) {
        boolean upload =
                UploadEvent.class.isAssignableFrom(unknown.getBaseType().getRawClass());
        String all = "one of upload_progress, upload_completed, upload_failed";
        return upload ? all : all + ", batch_progress";
    }

    private static String expectation(MismatchedInputException mismatch) {
        @Nullable Class<?> type = mismatch.getTargetType();
        if (mismatch instanceof UnrecognizedPropertyException) {
            return "is not a field of this event";
        }
        if (type == null) {
            return "is not what it must be";
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

    private static String path(JsonMappingException failure) {
        String path = failure.getPath().stream()
                .map(part -> part.getFieldName() == null ? "[" + part.getIndex() + "]" : part.getFieldName())
                .collect(Collectors.joining("."));
        return path.length() <= MAX_FIELD ? path : path.substring(0, MAX_FIELD) + "...";
    }
}
