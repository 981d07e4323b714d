package dev.sluice.http;

/**
 * An error in one field of a request.
 *
 * @param field the path of the field, for example {@code payload.progress_percent}
 * @param message describes the error; quotes no text of the request
 */
public record FieldError(String field, String message) {}
