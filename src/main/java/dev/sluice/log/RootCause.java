package dev.sluice.log;

import org.jspecify.annotations.Nullable;

/** Describes a failure in one log line by its innermost cause, which an operator can act on. */
public final class RootCause {

    /** A chain of causes may be circular. */
    private static final int MAX_DEPTH = 30;

    private RootCause() {}

    /**
     * Returns the message of the innermost cause, without the user info of URLs. A single word, such as a host name, tells what is
     * wrong only together with the exception's type.
     */
    public static String innermost(Throwable failure) {
        Throwable cause = failure;
        for (int depth = 0; depth < MAX_DEPTH && cause.getCause() != null; depth++) {
            // Netty's message of a refused connection contains that of its cause and the address.
            if (says(cause, cause.getCause().getMessage()) && cause.getCause().getCause() == null) {
                break;
            }
            cause = cause.getCause();
        }
        String type = cause.getClass().getSimpleName();
        String message = cause.getMessage();
        if (message == null) {
            return type;
        }
        return message.contains(" ") ? text(message) : type + ": " + text(message);
    }

    private static boolean says(Throwable failure, @Nullable String beginning) {
        return beginning != null
                && failure.getMessage() != null
                && failure.getMessage().startsWith(beginning);
    }

    private static String text(String message) {
        return LogSanitizer.text(message.replaceAll("://\\S*@", "://"));
    }
}
