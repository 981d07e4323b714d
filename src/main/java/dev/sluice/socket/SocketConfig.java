package dev.sluice.socket;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import io.smallrye.config.WithName;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;

/** What clients may do. */
@ConfigMapping(prefix = "sluice")
interface SocketConfig {

    /** How long a client may take to send its auth frame. */
    @WithName("auth.timeout")
    @WithDefault("5s")
    Duration authTimeout();

    /** What becomes of a connection whose token expires. */
    @WithName("auth.on-expiry")
    @WithDefault("close")
    OnExpiry onExpiry();

    /** What becomes of a connection whose token expires. */
    enum OnExpiry {
        /** It is closed. */
        CLOSE,
        /** It stays, with the rights that the token gave it. */
        KEEP
    }

    /** How often a sign of life is sent and awaited; a peer that leaves three in a row unanswered is gone. */
    @WithName("heartbeat.interval")
    @WithDefault("30s")
    Duration heartbeatInterval();

    /** Over how long the news of a gap is spread, because everybody comes back for what they missed. */
    @WithName("gap.spread")
    @WithDefault("2s")
    Duration gapSpread();

    /** How long new connections are still accepted after the process was asked to stop. */
    @WithName("drain.delay")
    @WithDefault("0s")
    Duration drainDelay();

    /** Over how long the connections are closed after that. */
    @WithName("drain.period")
    @WithDefault("10s")
    Duration drainPeriod();

    /** Older connections are closed, so that clients even out over a fleet that has grown; where absent, none are. */
    @WithName("connections.max-age")
    Optional<Duration> maxAge();

    /** How many connections may begin in a second. */
    @WithName("limits.connects-per-second")
    @WithDefault("2000")
    int connectsPerSecond();

    /** How many WebSockets there may be, upgrades under way included. */
    @WithName("limits.connections")
    @WithDefault("50000")
    int maxConnections();

    /** How many of them may not have authenticated yet. */
    @WithName("limits.unauthenticated")
    @WithDefault("5000")
    int maxUnauthenticated();

    /** How many of them may come from one address, or one IPv6 network of 64 bits; where absent, as many as they like. */
    @WithName("limits.connections-per-address")
    OptionalInt maxPerAddress();

    /** How many frames of any kind a client may send in a second. */
    @WithName("limits.frames-per-second")
    @WithDefault("50")
    int framesPerSecond();

    /** How many frames of any kind a client may send at once, after it has been silent for long enough. */
    @WithName("limits.frames-burst")
    @WithDefault("512")
    int framesBurst();

    /** Bytes charged for what one client has sent and the pod has not handled, from which its connection is not read. */
    @WithName("limits.inbound-bytes-per-connection")
    @WithDefault("64K")
    MemorySize inboundBytesPerConnection();

    /** The same of all clients of the pod; half of it for those that have not authenticated. */
    @WithName("limits.inbound-bytes")
    @WithDefault("16M")
    MemorySize inboundBytes();

    /** How long a request over HTTP, one for an upgrade among them, may take to arrive, and an answer to be taken. */
    @WithName("http.request-timeout")
    @WithDefault("10s")
    Duration requestTimeout();

    /** The largest frame, and the largest message made of several, that a client may send. */
    @WithDefault("32K")
    MemorySize maxFrame();
}
