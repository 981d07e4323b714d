package dev.sluice.protocol;

/** Checks whether bytes are JSON, as RFC 8259 defines it, without building anything from them. */
final class JsonText {

    /** Python's parser fails at about a thousand levels. */
    static final int MAX_DEPTH = 256;

    private static final int HEXADECIMAL = 16;
    private static final int ESCAPE_DIGITS = 4;

    private final byte[] utf8;
    private int at;

    private JsonText(byte[] utf8) {
        this.utf8 = utf8;
    }

    /**
     * Whether the bytes are one JSON value, not nested deeper than {@link #MAX_DEPTH}, and white space around it.
     *
     * @param utf8 valid UTF-8
     */
    static boolean isJson(byte[] utf8) {
        JsonText text = new JsonText(utf8);
        text.space();
        if (!text.value(0)) {
            return false;
        }
        text.space();
        return text.at == utf8.length;
    }

    private boolean value(int depth) {
        return switch (peek()) {
            case '{' -> depth < MAX_DEPTH && object(depth + 1);
            case '[' -> depth < MAX_DEPTH && array(depth + 1);
            case '"' -> string();
            case 't' -> word("true");
            case 'f' -> word("false");
            case 'n' -> word("null");
            default -> number();
        };
    }

    private boolean object(int depth) {
        at++;
        space();
        if (took('}')) {
            return true;
        }
        do {
            space();
            if (peek() != '"' || !string()) {
                return false;
            }
            space();
            if (!took(':')) {
                return false;
            }
            space();
            if (!value(depth)) {
                return false;
            }
            space();
        } while (took(','));
        return took('}');
    }

    private boolean array(int depth) {
        at++;
        space();
        if (took(']')) {
            return true;
        }
        do {
            space();
            if (!value(depth)) {
                return false;
            }
            space();
        } while (took(','));
        return took(']');
    }

    private boolean string() {
        at++;
        while (at < utf8.length) {
            byte next = utf8[at++];
            if (next == '"') {
                return true;
            }
            if (next == '\\' ? !escape() : next >= 0 && next < ' ') {
                return false;
            }
        }
        return false;
    }

    private boolean escape() {
        return switch (peek()) {
            case '"', '\\', '/', 'b', 'f', 'n', 'r', 't' -> {
                at++;
                yield true;
            }
            case 'u' -> {
                at++;
                yield fourDigits();
            }
            default -> false;
        };
    }

    private boolean fourDigits() {
        for (int i = 0; i < ESCAPE_DIGITS; i++) {
            if (Character.digit(peek(), HEXADECIMAL) < 0) {
                return false;
            }
            at++;
        }
        return true;
    }

    private boolean word(String word) {
        for (int i = 0; i < word.length(); i++) {
            if (!took(word.charAt(i))) {
                return false;
            }
        }
        return true;
    }

    private boolean number() {
        took('-');
        if (!took('0') && !digits()) {
            return false;
        }
        if (took('.') && !digits()) {
            return false;
        }
        if (took('e') || took('E')) {
            if (!took('+')) {
                took('-');
            }
            return digits();
        }
        return true;
    }

    private boolean digits() {
        int start = at;
        while (peek() >= '0' && peek() <= '9') {
            at++;
        }
        return at > start;
    }

    private void space() {
        while (at < utf8.length && (utf8[at] == ' ' || utf8[at] == '\t' || utf8[at] == '\n' || utf8[at] == '\r')) {
            at++;
        }
    }

    private boolean took(char expected) {
        if (peek() != expected) {
            return false;
        }
        at++;
        return true;
    }

    /** Returns the next byte, and 0 at the end; elsewhere 0 is valid only in strings. */
    private int peek() {
        return at < utf8.length ? utf8[at] : 0;
    }
}
