package dev.sluice.bench.load;

import java.io.IOException;
import java.time.Duration;

/** The server has answered, and said no. */
final class NotUpgraded extends IOException {

    private static final long serialVersionUID = 1;

    private static final String RETRY_AFTER = "retry-after:";

    private final String head;

    /** @param head of the response */
    NotUpgraded(String head) {
        super("not upgraded: " + head.lines().findFirst().orElse(""));
        this.head = head;
    }

    /** Whether the server has too much to do, and the client may come again. */
    boolean isForNow() {
        return head.startsWith("HTTP/1.1 503 ");
    }

    /** How long the client is asked to wait at least. */
    Duration retryAfter() {
        return head.lines()
                .filter(line -> line.regionMatches(true, 0, RETRY_AFTER, 0, RETRY_AFTER.length()))
                .map(line -> Duration.ofSeconds(
                        Long.parseLong(line.substring(RETRY_AFTER.length()).strip())))
                .findFirst()
                .orElse(Duration.ZERO);
    }
}
