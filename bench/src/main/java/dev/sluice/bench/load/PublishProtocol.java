package dev.sluice.bench.load;

/** How a publication is written, and how the other end acknowledges it. Each needs one connection, pipelined. */
public enum PublishProtocol {
    /** RESP, to Redis. The reply says how many subscribers Redis gave it to, and that must be the server alone. */
    REDIS("\r\n", ":1\r\n") {
        @Override
        String head(int channelBytes) {
            return "*3\r\n$7\r\nPUBLISH\r\n$" + channelBytes + "\r\n";
        }

        @Override
        String middle(int payloadBytes) {
            return "\r\n$" + payloadBytes + "\r\n";
        }
    },

    /** HTTP, to nginx with nchan; its answer is 201 or 202, by whether somebody was there. */
    NCHAN("", "HTTP/1.1 20") {
        @Override
        String head(int channelBytes) {
            return "POST /pub/";
        }

        @Override
        String middle(int payloadBytes) {
            return " HTTP/1.1\r\nHost: nchan\r\nContent-Length: " + payloadBytes + "\r\n\r\n";
        }
    };

    private final String tail;
    private final String acknowledgement;

    PublishProtocol(String tail, String acknowledgement) {
        this.tail = tail;
        this.acknowledgement = acknowledgement;
    }

    /** What comes before the channel. */
    abstract String head(int channelBytes);

    /** What comes between channel and payload. */
    abstract String middle(int payloadBytes);

    /** What comes behind the payload. */
    String tail() {
        return tail;
    }

    /** ASCII that each acknowledgement has once, and whose first character it does not have again. */
    String acknowledgement() {
        return acknowledgement;
    }
}
