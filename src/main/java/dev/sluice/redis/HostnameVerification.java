package dev.sluice.redis;

import io.vertx.core.net.NetClientOptions;
import io.vertx.redis.client.RedisOptions;

/**
 * Makes {@code hostname-verification-algorithm=NONE} of Quarkus's TLS registry work for Redis: the registry passes the word
 * on as it is, and the JDK refuses each handshake, as it knows no such algorithm. Vert.x says "none" by an empty text.
 */
public final class HostnameVerification {

    private HostnameVerification() {}

    /** Replaces {@code NONE} in the options of a client. */
    public static void normalize(RedisOptions configured) {
        NetClientOptions net = configured.getNetClientOptions();
        if (net != null && "NONE".equalsIgnoreCase(net.getHostnameVerificationAlgorithm())) {
            net.setHostnameVerificationAlgorithm("");
        }
    }
}
