package dev.sluice.harness;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Parses a stream of server-sent events as browsers do (WHATWG HTML, 9.2.6). */
public final class EventParser {

    /**
     * A dispatched event.
     *
     * @param type {@code message} where the stream names none
     * @param lastEventId as {@code MessageEvent.lastEventId}
     */
    public record Event(String type, String data, String lastEventId) {}

    private final List<Event> dispatched = new ArrayList<>();
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private boolean afterCarriageReturn;
    private String lastEventId = "";
    private String idBuffer = "";
    private String type = "";
    private final StringBuilder data = new StringBuilder();
    private long retryMillis = -1;
    private int comments;

    /** Parses the next bytes, in pieces of any size; returns the events that they complete. */
    public List<Event> parse(byte[] bytes, int length) {
        for (int i = 0; i < length; i++) {
            byte next = bytes[i];
            if (next == '\n' && afterCarriageReturn) {
                afterCarriageReturn = false;
            } else if (next == '\n' || next == '\r') {
                afterCarriageReturn = next == '\r';
                String text = line.toString(StandardCharsets.UTF_8);
                line.reset();
                line(text);
            } else {
                afterCarriageReturn = false;
                line.write(next);
            }
        }
        List<Event> events = List.copyOf(dispatched);
        dispatched.clear();
        return events;
    }

    /** The id that a browser would send as {@code Last-Event-ID} now. */
    public String lastEventId() {
        return lastEventId;
    }

    /** The last {@code retry}; negative where there was none. */
    public long retryMillis() {
        return retryMillis;
    }

    /** The number of comments. */
    public int comments() {
        return comments;
    }

    private void line(String text) {
        if (text.isEmpty()) {
            dispatch();
            return;
        }
        int colon = text.indexOf(':');
        if (colon == 0) {
            comments++;
            return;
        }
        String field = colon < 0 ? text : text.substring(0, colon);
        String value = colon < 0 ? "" : text.substring(colon + 1);
        if (value.startsWith(" ")) {
            value = value.substring(1);
        }
        switch (field) {
            case "event" -> type = value;
            case "data" -> data.append(value).append('\n');
            case "id" -> {
                if (value.indexOf('\0') < 0) {
                    idBuffer = value;
                }
            }
            case "retry" -> {
                if (value.matches("[0-9]+")) {
                    retryMillis = Long.parseLong(value);
                }
            }
            default -> {}
        }
    }

    private void dispatch() {
        lastEventId = idBuffer;
        if (!data.isEmpty()) {
            data.setLength(data.length() - 1);
            dispatched.add(new Event(type.isEmpty() ? "message" : type, data.toString(), lastEventId));
        }
        data.setLength(0);
        type = "";
    }
}
