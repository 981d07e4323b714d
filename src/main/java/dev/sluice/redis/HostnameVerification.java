package dev.sluice.redis;

import io.vertx.core.net.NetClientOptions;
import io.vertx.redis.client.RedisOptions;

/**
 * Makes {@code hostname-verification-algorithm=NONE} of Quarkus's TLS registry work for Redis. The registry passes on
 * the word unchanged, and the JDK fails each handshake because it knows no such algorithm. Vert.x expects an empty
 * string.
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
