package dev.sluice.events;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.cfg.CoercionAction;
import com.fasterxml.jackson.databind.cfg.CoercionInputShape;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import com.fasterxml.jackson.databind.type.LogicalType;
import dev.sluice.http.FieldError;
import dev.sluice.http.ProblemException;
import jakarta.inject.Singleton;
import jakarta.validation.Validator;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** Reads and writes events as JSON. Strict: it refuses unknown fields and wrong types. */
@Singleton
final class EventJson {

    private final JsonMapper json = JsonMapper.builder()
            .addModule(new SimpleModule()
                    .addDeserializer(Instant.class, new InstantDeserializer())
                    .addSerializer(Instant.class, ToStringSerializer.instance))
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.FAIL_ON_NUMBERS_FOR_ENUMS)
            // Numbers keep their notation.
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .enable(JsonWriteFeature.COMBINE_UNICODE_SURROGATES_IN_UTF8)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            .withCoercionConfig(
                    LogicalType.Textual,
                    texts -> texts.setCoercion(CoercionInputShape.Integer, CoercionAction.Fail)
                            .setCoercion(CoercionInputShape.Float, CoercionAction.Fail)
                            .setCoercion(CoercionInputShape.Boolean, CoercionAction.Fail))
            // Otherwise a blank text would be an absent number.
            .withCoercionConfig(
                    LogicalType.Float,
                    numbers -> numbers.setAcceptBlankAsEmpty(false)
                            .setCoercion(CoercionInputShape.EmptyString, CoercionAction.Fail))
            .build();

    /** The maximum number of reported errors, because a request may have any number of unknown fields. */
    private static final int MAX_ERRORS = 20;

    private final Validator validator;

    EventJson(Validator validator) {
        this.validator = validator;
    }

    /**
     * Reads an event that is not yet {@linkplain Reading#check checked}.
     *
     * @throws ProblemException if the text can't be read as an event
     */
    <E extends Event> Reading<E> read(byte[] text, Class<E> type) {
        JsonNode root;
        try {
            root = json.readTree(text);
        } catch (JsonProcessingException e) {
            throw JsonErrors.syntax(e);
        } catch (NumberFormatException e) {
            // Jackson does not convert this exception, which an exponent out of range causes.
            throw JsonErrors.number();
        } catch (IOException e) {
            throw JsonErrors.noObject();
        }
        if (!root.isObject()) {
            throw JsonErrors.noObject();
        }
        List<FieldError> errors = new ArrayList<>();
        while (true) {
            try {
                return new Reading<>(json.treeToValue(root, type), errors, validator);
            } catch (JsonProcessingException e) {
                errors.add(JsonErrors.error(e));
                // Removes the field, to find further errors.
                if (errors.size() == MAX_ERRORS || !JsonErrors.remove(e, root)) {
                    throw ProblemException.badFields(errors);
                }
            }
        }
    }

    /** Writes the payload for clients. */
    byte[] write(Event event) {
        try {
            return json.writerFor(Event.class).writeValueAsBytes(event);
        } catch (JsonProcessingException e) {
            // A lone surrogate, which JSON can express and UTF-8 can't.
            throw ProblemException.badRequest("Some text in the body is not Unicode");
        }
    }
}
