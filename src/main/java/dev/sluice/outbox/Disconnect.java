package dev.sluice.outbox;

import java.util.Locale;

/** The reason why a connection ended. */
public enum Disconnect {
    /** The client closed its WebSocket or event stream. */
    CLIENT_CLOSED,
    /** The TCP connection of a WebSocket ended without a close frame. */
    CONNECTION_LOST,
    /** The client, or something between, reset the connection. */
    CONNECTION_RESET,
    /** The client was silent for three heartbeats. */
    PEER_SILENT,
    /** The client broke the WebSocket protocol, or sent a Centrifuge command that can't be answered. */
    PROTOCOL_ERROR,
    /** The client sent text that is not UTF-8. */
    INVALID_TEXT,
    /** The client sent a frame larger than allowed. */
    FRAME_TOO_LARGE,
    /** The client sent more frames than its rate and burst allow. */
    FLOODED,
    /** The pod has no memory for the client's unhandled data, or a message was unfinished for 10 seconds. */
    INBOUND_FULL,
    /** More data waited for the client than an outbox may hold. */
    OUTBOX_FULL,
    /** The client took no waiting data for too long. */
    STALLED,
    /** The connection's token has expired. */
    TOKEN_EXPIRED,
    /** An operator disconnected the user. */
    OPERATOR,
    /** A write failed for another reason than a closed or reset connection. */
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
