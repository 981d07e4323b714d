package dev.sluice.log;

import org.jspecify.annotations.Nullable;

/** Makes text from outside safe for one line of the log. */
public final class LogSanitizer {

    private static final int MAX = 200;

    private LogSanitizer() {}

    /** Returns the text with printable ASCII only, everything else replaced, and cut to a maximum length. */
    public static String text(@Nullable String text) {
        if (text == null) {
            return "";
        }
        String plain = text.replaceAll("[^ -~]", "?");
        return plain.length() <= MAX ? plain : plain.substring(0, MAX) + "...";
    }
}
