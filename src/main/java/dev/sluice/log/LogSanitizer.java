package dev.sluice.log;

import org.jspecify.annotations.Nullable;

/** Makes text from outside safe for one line of the log. */
public final class LogSanitizer {

    private static final int MAX = 200;

    private LogSanitizer() {}

    /** Its printable ASCII, everything else replaced, and not too much of it. */
    public static String text(@Nullable String text) {
        if (text == null) {
            return "";
        }
        String plain = text.replaceAll("[^ -~]", "?");
        return plain.length() <= MAX ? plain : plain.substring(0, MAX) + "...";
    }
}
