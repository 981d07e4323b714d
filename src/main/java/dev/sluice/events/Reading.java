package dev.sluice.events;

import dev.sluice.http.FieldError;
import dev.sluice.http.ProblemException;
import jakarta.validation.ConstraintViolation;
import jakarta.validation.Path;
import jakarta.validation.Validator;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * An event of which some fields may be missing because they could not be read.
 *
 * @param event the event, without the fields that could not be read
 * @param errors the errors of those fields
 */
record Reading<E extends Event>(E event, List<FieldError> errors, Validator validator) {

    /**
     * Fails if the event is invalid.
     *
     * @param whole the event, completed with data from the path
     * @param more further errors
     * @throws ProblemException if there is any error; names each field
     */
    void check(Event whole, List<FieldError> more) {
        List<FieldError> all = new ArrayList<>(errors);
        all.addAll(more);
        for (ConstraintViolation<Event> violation : validator.validate(whole)) {
            String field = field(violation.getPropertyPath());
            // A field that could not be read is not also reported as missing.
            if (all.stream().noneMatch(error -> error.field().equals(field))) {
                all.add(new FieldError(field, violation.getMessage()));
            }
        }
        if (!all.isEmpty()) {
            all.sort(Comparator.comparing(FieldError::field));
            throw ProblemException.badFields(all);
        }
    }

    /** Returns the name of the field in JSON. */
    private static String field(Path path) {
        List<String> names = new ArrayList<>();
        path.forEach(node -> names.add(JsonErrors.SNAKE_CASE.translate(node.getName())));
        return String.join(".", names);
    }
}
