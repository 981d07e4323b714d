package dev.sluice.redis;

import java.io.Serial;

/** The Redis at the configured address is not a master. */
public final class NotMasterException extends RuntimeException {

    @Serial
    private static final long serialVersionUID = 1L;

    public NotMasterException(String role, String remedy) {
        super(
                "the Redis at quarkus.redis.hosts is " + role + " and may not receive publications on the master; set "
                        + remedy,
                null,
                false,
                false);
    }
}
