package dev.sluice.integration;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * A JSON document whose values are named by paths: {@code users[7].channels}, {@code paths.'/api/x'.get}. The name of a field
 * of a list gives that of each element. REST Assured does the same by compiling Groovy, which takes a second at first and ten
 * milliseconds each time.
 */
final class Json {

    private static final ObjectMapper MAPPER =
            new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
    private static final Pattern STEP = Pattern.compile("'([^']*)'|\\[(\\d+)]|([^.\\[\\]']+)");

    private final Object root;

    private Json(Object root) {
        this.root = root;
    }

    static Json from(String text) {
        try {
            return new Json(MAPPER.readValue(text, Object.class));
        } catch (JsonProcessingException e) {
            throw new AssertionError("no JSON: " + text, e);
        }
    }

    /** Returns the value, null if there is none; the test chooses the type. */
    @SuppressWarnings({"unchecked", "NullAway", "TypeParameterUnusedInFormals"})
    <T> T get(String path) {
        Object value = root;
        for (MatchResult step : STEP.matcher(path).results().toList()) {
            value = value == null ? null : step(value, step);
        }
        return (T) value;
    }

    @SuppressWarnings("NullAway")
    private static Object step(Object from, MatchResult step) {
        if (step.group(2) != null) {
            return ((List<?>) from).get(Integer.parseInt(step.group(2)));
        }
        String name = step.group(1) == null ? step.group(3) : step.group(1);
        return from instanceof List<?> list
                ? list.stream().map(each -> ((Map<?, ?>) each).get(name)).toList()
                : ((Map<?, ?>) from).get(name);
    }

    String getString(String path) {
        return get(path);
    }

    int getInt(String path) {
        return this.<Number>get(path).intValue();
    }

    long getLong(String path) {
        return this.<Number>get(path).longValue();
    }

    boolean getBoolean(String path) {
        return get(path);
    }

    <T> List<T> getList(String path) {
        return get(path);
    }

    <T> Map<String, T> getMap(String path) {
        return get(path);
    }
}
