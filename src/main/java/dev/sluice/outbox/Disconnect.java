package dev.sluice.outbox;

import java.util.Locale;

/** The reason why a connection ended. */
public enum Disconnect {
    /** The client closed the WebSocket. */
    CLIENT_CLOSED,
    /** The client ended the stream without a close frame. */
    CONNECTION_LOST,
    /** The client, or something between, reset the connection. */
    CONNECTION_RESET,
    /** The client was silent for three heartbeats. */
    PEER_SILENT,
    /** The client broke the WebSocket protocol. */
    PROTOCOL_ERROR,
    /** The client sent text that is not UTF-8. */
    INVALID_TEXT,
    /** The client sent a frame larger than allowed. */
    FRAME_TOO_LARGE,
    /** The client sent more frames than its rate and burst allow. */
    FLOODED,
    /** The pod has no memory for the client's unhandled data. */
    INBOUND_FULL,
    /** More data waited for the client than an outbox may hold. */
    OUTBOX_FULL,
    /** The client took no waiting data for too long. */
    STALLED,
    /** The connection's token has expired. */
    TOKEN_EXPIRED,
    /** An operator disconnected the user. */
    OPERATOR,
    /** A frame could not be written. */
    SEND_FAILED,
    /** Sluice failed. */
    INTERNAL_ERROR,
    /** This pod is stopping. */
    GOING_AWAY,
    /** The connection has reached its maximum age. */
    MAX_AGE;

    /** The name used in metrics. */
    public String tag() {
        return name().toLowerCase(Locale.ROOT);
    }
}
