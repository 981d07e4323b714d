package dev.sluice.bench.traffic;

/**
 * What a payload says: the channel it was published on, and its number there.
 *
 * @param channel as Redis knows it
 * @param number from 1
 */
record Numbered(String channel, int number) {

    private static final String HEAD = "{\"channel\":\"";
    private static final String MIDDLE = "\",\"number\":";
    private static final String TAIL = ",\"padding\":\"";
    private static final String END = "\"}";

    String payload(int bytes) {
        String text = HEAD + channel + MIDDLE + number + TAIL;
        return text + "x".repeat(Math.max(0, bytes - text.length() - END.length())) + END;
    }

    static boolean is(String message) {
        return message.startsWith(HEAD) && message.endsWith(END);
    }

    static Numbered of(String payload) {
        int middle = payload.indexOf(MIDDLE);
        String number = payload.substring(middle + MIDDLE.length(), payload.indexOf(TAIL));
        return new Numbered(payload.substring(HEAD.length(), middle), Integer.parseInt(number));
    }
}
