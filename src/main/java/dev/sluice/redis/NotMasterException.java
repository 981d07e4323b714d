package dev.sluice.redis;

import java.io.Serial;

/** The Redis at the configured address is not a master. */
public final class NotMasterException extends RuntimeException {

    @Serial
    private static final long serialVersionUID = 1L;

    public NotMasterException(String role, String remedy) {
        this("the Redis at quarkus.redis.hosts is " + role + " and may not receive publications on the master; set "
                + remedy);
    }

    private NotMasterException(String message) {
        super(message, null, false, false);
    }

    /** Returns that of a master of a Redis Cluster that others may have replaced without its knowledge. */
    public static NotMasterException cutOff() {
        return new NotMasterException("this master of the Redis Cluster does not reach most others");
    }

    /** Returns that of a node of a Redis Cluster, which changes its role in a failover. */
    static NotMasterException ofNode() {
        return new NotMasterException("this node of the Redis Cluster is a replica now");
    }
}
