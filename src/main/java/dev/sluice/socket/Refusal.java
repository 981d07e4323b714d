package dev.sluice.socket;

import java.util.Locale;

/** Why somebody did not become a connection, with the close code that says so. */
enum Refusal {
    /** No auth message in time. */
    TIMEOUT(4001, true),
    /** The first message is a JSON object, but not an auth message with a token. */
    NOT_AUTH(4002, true),
    /** The token is not good. */
    TOKEN(4003, true),
    /** The token is good, but a backend says that its bearer may not connect. */
    WEBHOOK(4003, true),
    /** The first message is not a JSON object. */
    NOT_JSON(4004, false),
    /** Too much was said before the auth message was answered. */
    FLOOD(4029, false),
    /** Whether the token is good can't be told now. */
    UNAVAILABLE(1013, false);

    private final int closeCode;
    private final boolean announced;

    Refusal(int closeCode, boolean announced) {
        this.closeCode = closeCode;
        this.announced = announced;
    }

    int closeCode() {
        return closeCode;
    }

    /** Whether an {@code auth_error} goes before the close; clients of the Python system then stop for good. */
    boolean announced() {
        return announced;
    }

    /** The name used in metrics. */
    String tag() {
        return name().toLowerCase(Locale.ROOT);
    }
}
