package dev.sluice.config;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.WithDefault;
import java.util.OptionalInt;

/** Limits on clients. */
public interface LimitsConfig {

    /** The maximum rate of new connections, per second. */
    @WithDefault("2000")
    @InRange(min = "1")
    int connectsPerSecond();

    /** The maximum number of WebSockets, including upgrades in progress. */
    @WithDefault("50000")
    @InRange(min = "1")
    int connections();

    /** The maximum number of unauthenticated WebSockets without a token, and of those whose token is being verified. */
    @WithDefault("5000")
    @InRange(min = "1")
    int unauthenticated();

    /** The maximum number of connections of one user to this pod. */
    @WithDefault("32")
    @InRange(min = "1")
    int connectionsPerUser();

    /** The maximum number of connections from one IPv4 address or IPv6 /64 network; absent: unlimited. */
    @InRange(min = "1")
    OptionalInt connectionsPerAddress();

    /** The maximum number of subscriptions of one user, or of one connection with scope {@code connection}. */
    @WithDefault("256")
    @InRange(min = "1")
    int subscriptionsPerUser();

    /** The maximum rate of frames of any kind from one client, per second. */
    @WithDefault("50")
    @InRange(min = "1", max = "1000000")
    int framesPerSecond();

    /** The maximum burst of frames of any kind from one client. */
    @WithDefault("512")
    @InRange(min = "1", max = "1000000")
    int framesBurst();

    /** The bytes of unhandled data of one client at which reading from its connection pauses. */
    @WithDefault("64K")
    @InRange(min = "1K", max = "1024M")
    MemorySize inboundBytesPerConnection();

    /** The same for all clients of the pod; unauthenticated clients may use half of it. */
    @WithDefault("16M")
    @InRange(min = "1")
    MemorySize inboundBytes();

    /**
     * The maximum number of tokens that wait for verification, and a fifth of it for those that wait for newer keys.
     * Above it, clients get the error {@code unavailable}.
     */
    @WithDefault("5000")
    @InRange(min = "1")
    int tokens();

    /** The maximum bytes of these tokens in total, and half of it for those that wait for newer keys. */
    @WithDefault("8M")
    @InRange(min = "16K", max = "1024M")
    MemorySize tokenBytes();
}
