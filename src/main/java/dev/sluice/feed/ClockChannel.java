package dev.sluice.feed;

import dev.sluice.clock.Era;
import dev.sluice.redis.OptionalCommand;
import io.vertx.core.Future;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.Request;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The channel on which pods publish ticks. Pods that count or keep other publications use another channel, and so
 * another clock. Pods must hear a tick only on the server where it was published. So if a subscription's own connection
 * can't publish, each server has its own channel.
 *
 * @param name of the channel where subscriptions publish themselves
 */
record ClockChannel(String name) {

    /** To be changed when the counting or the hash changes. */
    private static final int VERSION = 1;

    private static final int FINGERPRINT_BYTES = 8;
    private static final int RESP3 = 3;
    private static final Pattern RUN_ID = Pattern.compile("run_id:([0-9a-f]{40})");

    /**
     * Returns the channel of pods with these settings.
     *
     * @param kind what pods hear
     * @param prefixes the wanted ones, those of keyspaces included, and whether the history of each is kept
     */
    static ClockChannel of(Map<String, Boolean> prefixes, int maxPayload, Era.Kind kind) {
        String settings = VERSION + " " + new TreeMap<>(prefixes) + " " + maxPayload
                + switch (kind) {
                    case COMMON -> "";
                    case BY_CHANNEL -> " exact";
                    case OF_SHARD -> " sharded";
                };
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(settings.getBytes(StandardCharsets.UTF_8));
            String fingerprint = HexFormat.of().formatHex(digest, 0, FINGERPRINT_BYTES);
            return new ClockChannel("sluice:clock:" + fingerprint);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Whether the connection speaks RESP3, in which a subscriber may publish. */
    static Future<Boolean> canPublish(RedisConnection connection) {
        return OptionalCommand.send(connection, Request.cmd(Command.HELLO))
                .map(hello -> hello != null
                        && hello.containsKey("proto")
                        && hello.get("proto").toInteger() == RESP3)
                // The answer has an unknown form. A failure of the connection is reported elsewhere.
                .otherwise(false);
    }

    /** Returns the channel of the connection's server; {@code null} if Redis does not identify it. */
    Future<@Nullable String> ofServer(RedisConnection connection) {
        return OptionalCommand.send(connection, Request.cmd(Command.INFO).arg("server"))
                .map(info -> {
                    Matcher found = RUN_ID.matcher(info == null ? "" : info.toString());
                    return found.find() ? name + ":" + found.group(1) : null;
                });
    }
}
