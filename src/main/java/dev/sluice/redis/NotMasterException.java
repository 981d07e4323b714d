package dev.sluice.redis;

import java.io.Serial;

/** The configured address leads to a Redis that is no master. */
public final class NotMasterException extends RuntimeException {

    @Serial
    private static final long serialVersionUID = 1L;

    public NotMasterException(String role, String remedy) {
        super(
                "the Redis at quarkus.redis.hosts is " + role
                        + " and does not give subscribers what is published on the" + " master; set " + remedy,
                null,
                false,
                false);
    }
}
