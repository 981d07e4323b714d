package dev.sluice.outbox;

import java.util.Locale;

/** The reason why a connection ended, with the close code for the client. */
public enum Disconnect {
    /** The client closed the WebSocket. */
    CLIENT_CLOSED(1000, ""),
    /** The client ended the stream without a close frame. */
    CONNECTION_LOST(1011, ""),
    /** The client, or something between, reset the connection. */
    CONNECTION_RESET(1011, ""),
    /** The client was silent for three heartbeats. */
    PEER_SILENT(1011, "no sign of life"),
    /** The client broke the WebSocket protocol. */
    PROTOCOL_ERROR(1002, "WebSocket protocol error"),
    /** The client sent text that is not UTF-8. */
    INVALID_TEXT(1007, "text is not UTF-8"),
    /** The client sent a frame larger than allowed. */
    FRAME_TOO_LARGE(1009, "frame too large"),
    /** The client sent more frames than its rate and burst allow. */
    FLOODED(4029, "too many frames"),
    /** The pod has no memory for the client's unhandled data. */
    INBOUND_FULL(1013, "the pod has too much to handle"),
    /** More data waited for the client than an outbox may hold. */
    OUTBOX_FULL(4008, "too slow: too much is waiting"),
    /** The client took no waiting data for too long. */
    STALLED(4008, "too slow: nothing was taken in time"),
    /** The connection's token has expired. */
    TOKEN_EXPIRED(4010, "token has expired"),
    /** An operator disconnected the user. */
    OPERATOR(4503, "disconnected by an operator"),
    /** A frame could not be written. */
    SEND_FAILED(1011, "sending failed"),
    /** Sluice failed. */
    INTERNAL_ERROR(1011, "internal error"),
    /** This pod is stopping. */
    GOING_AWAY(1012, "this pod is going away, reconnect"),
    /** The connection has reached its maximum age. */
    MAX_AGE(1012, "reconnect, so that clients even out");

    private final int closeCode;
    private final String message;

    Disconnect(int closeCode, String message) {
        this.closeCode = closeCode;
        this.message = message;
    }

    /** The WebSocket close code. */
    public int closeCode() {
        return closeCode;
    }

    /** The reason sent with the close code. */
    public String message() {
        return message;
    }

    /** The name used in metrics. */
    public String tag() {
        return name().toLowerCase(Locale.ROOT);
    }
}
