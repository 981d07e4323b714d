package dev.sluice.config;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.WithDefault;
import java.util.OptionalInt;

/** The limits of clients. */
public interface LimitsConfig {

    /** How many connections may begin in a second. */
    @WithDefault("2000")
    @InRange(min = "1")
    int connectsPerSecond();

    /** How many WebSockets there may be, upgrades under way included. */
    @WithDefault("50000")
    @InRange(min = "1")
    int connections();

    /** How many WebSockets may be unauthenticated. */
    @WithDefault("5000")
    @InRange(min = "1")
    int unauthenticated();

    /** How many connections to this pod one user may have. */
    @WithDefault("32")
    @InRange(min = "1")
    int connectionsPerUser();

    /** How many connections may come from one address, or one IPv6 network of 64 bits; where absent, any number. */
    @InRange(min = "1")
    OptionalInt connectionsPerAddress();

    /** How many channels one user, or with scope {@code connection} one connection, may listen to. */
    @WithDefault("256")
    @InRange(min = "1")
    int subscriptionsPerUser();

    /** How many frames of any kind a client may send in a second. */
    @WithDefault("50")
    @InRange(min = "1", max = "1000000")
    int framesPerSecond();

    /** How many frames of any kind a client may send at once, after it has been silent for long enough. */
    @WithDefault("512")
    @InRange(min = "1", max = "1000000")
    int framesBurst();

    /** The bytes of unhandled data of one client, from which its connection is not read. */
    @WithDefault("64K")
    @InRange(min = "1K", max = "1024M")
    MemorySize inboundBytesPerConnection();

    /** The same for all clients of the pod; half of it for unauthenticated ones. */
    @WithDefault("16M")
    @InRange(min = "1")
    MemorySize inboundBytes();

    /** How many tokens may wait to be verified; a fifth of that for newer keys. More are answered "unavailable". */
    @WithDefault("5000")
    @InRange(min = "1")
    int tokens();

    /** How many bytes these tokens may have together; half of that for those that wait for newer keys. */
    @WithDefault("8M")
    @InRange(min = "16K", max = "1024M")
    MemorySize tokenBytes();
}
