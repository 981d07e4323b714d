package dev.sluice.outbox;

import java.util.Locale;

/** Why a connection ended, with the close code that tells the peer. */
public enum Disconnect {
    /** The peer closed the WebSocket. */
    CLIENT_CLOSED(1000, ""),
    /** The peer ended the stream without a close frame. */
    CONNECTION_LOST(1011, ""),
    /** The peer, or something on the way, reset the connection. */
    CONNECTION_RESET(1011, ""),
    /** The peer has given no sign of life for three heartbeats. */
    PEER_SILENT(1011, "no sign of life"),
    /** The peer broke the WebSocket protocol. */
    PROTOCOL_ERROR(1002, "WebSocket protocol error"),
    /** The peer sent text that is not UTF-8. */
    INVALID_TEXT(1007, "text is not UTF-8"),
    /** The peer sent a frame larger than allowed. */
    FRAME_TOO_LARGE(1009, "frame too large"),
    /** The peer sent more frames than its rate and burst allow. */
    FLOODED(4029, "too many frames"),
    /** The pod has no room for what the peer sent and has not been handled. */
    INBOUND_FULL(1013, "the pod has too much to handle"),
    /** More was waiting for the peer than an outbox may hold. */
    OUTBOX_FULL(4008, "too slow: too much is waiting"),
    /** The peer has taken nothing of what was waiting for it for too long. */
    STALLED(4008, "too slow: nothing was taken in time"),
    /** The token it was shown last is no longer good. */
    TOKEN_EXPIRED(4010, "token has expired"),
    /** An operator has ended it. */
    OPERATOR(4503, "disconnected by an operator"),
    /** A frame could not be written. */
    SEND_FAILED(1011, "sending failed"),
    /** Something went wrong on our side. */
    INTERNAL_ERROR(1011, "internal error"),
    /** This pod is stopping. */
    GOING_AWAY(1012, "this pod is going away, reconnect"),
    /** It has lasted for as long as connections may. */
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

    /** The text that goes with the close code. */
    public String message() {
        return message;
    }

    /** The name used in metrics. */
    public String tag() {
        return name().toLowerCase(Locale.ROOT);
    }
}
