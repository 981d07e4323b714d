package dev.sluice.protocol;

import dev.sluice.outbox.Close;
import dev.sluice.outbox.Disconnect;

/** The codes of errors and closes by which Centrifugo's SDKs decide whether they connect again. */
final class CentrifugeCodes {

    private CentrifugeCodes() {}

    static int number(ErrorCode code) {
        return switch (code) {
            case UNAVAILABLE -> 100;
            case UNAUTHORIZED -> 101;
            case BAD_CHANNEL -> 102;
            case FORBIDDEN -> 103;
            case ALREADY_SUBSCRIBED -> 105;
            case TOO_MANY_SUBSCRIPTIONS -> 106;
            case BAD_MESSAGE -> 107;
            case UNKNOWN_ACTION -> 108;
            case TOKEN_EXPIRED -> 109;
            case UNRECOVERABLE -> 112;
        };
    }

    static Close closeFor(Disconnect reason) {
        return switch (reason) {
            case CLIENT_CLOSED -> new Close(1000, "");
            case CONNECTION_LOST, CONNECTION_RESET -> new Close(3000, "connection closed");
            case GOING_AWAY -> new Close(3001, "shutdown");
            case MAX_AGE -> new Close(3001, "reconnect, so that clients even out");
            case INBOUND_FULL, SEND_FAILED, INTERNAL_ERROR -> new Close(3004, "internal server error");
            case TOKEN_EXPIRED -> new Close(3005, "connection expired");
            case OUTBOX_FULL, STALLED -> new Close(3008, "slow");
            case PEER_SILENT -> new Close(3012, "no pong");
            case FLOODED -> new Close(3013, "too many requests");
            case PROTOCOL_ERROR, INVALID_TEXT -> new Close(3501, "bad request");
            case OPERATOR -> new Close(3503, "disconnected by an operator");
            // The SDKs know this code.
            case FRAME_TOO_LARGE -> new Close(1009, "frame too large");
        };
    }

    static Close closeFor(Refusal reason, String message) {
        int code = switch (reason) {
            case TIMEOUT -> 3502;
            case NOT_AUTH, NOT_JSON -> 3501;
            case EXPIRED -> 3005;
            case TOKEN, SIGNATURE, AUDIENCE, ISSUER, TYPE, CLAIMS, WEBHOOK -> 3500;
            case FLOOD -> 3013;
            case UNAVAILABLE, UNDECIDED -> 3004;
        };
        // In this protocol, the message that authenticates is called connect.
        String text = switch (reason) {
            case TIMEOUT -> "no connect in time";
            case NOT_AUTH, NOT_JSON -> "the first command must be connect with a token";
            default -> message;
        };
        return new Close(code, text);
    }

    static Close closeUntilLater(String message) {
        return new Close(3004, message);
    }
}
