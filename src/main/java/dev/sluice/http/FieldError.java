package dev.sluice.http;

/**
 * What is wrong with one field of a request.
 *
 * @param field its path as it stands in the request, as in {@code payload.progress_percent}
 * @param message what is wrong; quotes nothing that the request said
 */
public record FieldError(String field, String message) {}
