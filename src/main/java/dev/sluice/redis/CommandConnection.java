package dev.sluice.redis;

import io.smallrye.mutiny.Uni;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;

/** Sends commands to Redis. Callers must limit the number of simultaneous commands. Thread-safe. */
public interface CommandConnection {

    /**
     * Sends a command without keys, and completes with Redis's response. Fails if none arrives within the timeout; Redis
     * may still have executed the command. May be called, and completes, on any thread.
     */
    Uni<Response> send(Request request);

    /**
     * Does the same with a command that has keys.
     *
     * @param key one of them, or a channel of sharded pub/sub; in a Redis Cluster it decides on the node
     */
    Uni<Response> send(String key, Request request);

    /** Closes the connections, if there are any. May be called on any thread. */
    void close();
}
