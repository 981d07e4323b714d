package dev.sluice.config;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.WithDefault;
import io.smallrye.config.WithName;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;

/** Requests to a backend that decides who may subscribe and who may connect. */
public interface WebhookConfig {

    /** The http or https URL that decides who may subscribe. */
    Optional<URI> url();

    /** The http or https URL that decides whether the user of a valid token may connect. Absent: every user may. */
    @WithName("connect.url")
    Optional<URI> connectUrl();

    /**
     * The maximum memory of tokens that wait for the backend's decision, in characters. The token in a request counts
     * twice; further tokens that share the response count once.
     */
    @WithName("connect.token-bytes")
    @WithDefault("16M")
    @InRange(min = "32K", max = "1024M")
    MemorySize connectTokenBytes();

    /** The timeout of a request, including the time in the queue. */
    @WithDefault("2s")
    @InRange(min = "1ms")
    Duration timeout();

    /** The maximum number of simultaneous requests of each kind. */
    @WithDefault("64")
    @InRange(min = "1")
    int concurrency();

    /** How long a decision is cached; 0: it is shared only among simultaneous checks. */
    @WithDefault("30s")
    @InRange(min = "0s")
    Duration cache();

    /** The maximum number of cached decisions of each kind. */
    @WithDefault("100000")
    @InRange(min = "0")
    long cacheSize();
}
