package dev.sluice.events;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.cfg.CoercionAction;
import com.fasterxml.jackson.databind.cfg.CoercionInputShape;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import com.fasterxml.jackson.databind.type.LogicalType;
import dev.sluice.http.FieldError;
import dev.sluice.http.ProblemException;
import jakarta.inject.Singleton;
import jakarta.validation.ConstraintViolation;
import jakarta.validation.Path;
import jakarta.validation.Validator;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Events as JSON. Strict: what is misspelt or of another type than it must be is refused, and nothing is guessed. */
@Singleton
final class EventJson {

    private final JsonMapper json = JsonMapper.builder()
            .addModule(new SimpleModule()
                    .addDeserializer(Instant.class, new Times())
                    .addSerializer(Instant.class, ToStringSerializer.instance))
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.FAIL_ON_NUMBERS_FOR_ENUMS)
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            .withCoercionConfig(
                    LogicalType.Textual,
                    texts -> texts.setCoercion(CoercionInputShape.Integer, CoercionAction.Fail)
                            .setCoercion(CoercionInputShape.Float, CoercionAction.Fail)
                            .setCoercion(CoercionInputShape.Boolean, CoercionAction.Fail))
            .build();

    private final Validator validator;

    EventJson(Validator validator) {
        this.validator = validator;
    }

    /**
     * The event that the text says, of which it is not known yet whether it is {@linkplain #check valid}.
     *
     * @throws ProblemException where it is none, naming the field where that is known
     */
    <E extends Event> E read(byte[] text, Class<E> type) {
        @Nullable E event;
        try {
            event = json.readerFor(type).readValue(text);
        } catch (JsonProcessingException e) {
            throw Misreading.problem(e);
        } catch (IOException e) {
            throw ProblemException.badRequest("The body is not JSON in UTF-8");
        }
        if (event == null) {
            throw ProblemException.badRequest("The body must be a JSON object");
        }
        return event;
    }

    /**
     * Says what is wrong with the event.
     *
     * @param more what has been found already
     * @throws ProblemException where anything is, naming each field
     */
    void check(Event event, List<FieldError> more) {
        List<FieldError> errors = new ArrayList<>(more);
        for (ConstraintViolation<Event> violation : validator.validate(event)) {
            errors.add(new FieldError(field(violation.getPropertyPath()), violation.getMessage()));
        }
        if (!errors.isEmpty()) {
            errors.sort(Comparator.comparing(FieldError::field));
            throw ProblemException.badFields(errors);
        }
    }

    /** The payload that clients get. */
    byte[] write(Event event) {
        try {
            return json.writerFor(Event.class).writeValueAsBytes(event);
        } catch (JsonProcessingException e) {
            // Half a character, which JSON can write and UTF-8 can't.
            throw ProblemException.badRequest("Some text in the body is not Unicode");
        }
    }

    /** As it is called in JSON. */
    private static String field(Path path) {
        List<String> names = new ArrayList<>();
        path.forEach(node -> names.add(Misreading.SNAKE_CASE.translate(node.getName())));
        return String.join(".", names);
    }
}
