package dev.sluice.config;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.WithDefault;
import io.smallrye.config.WithName;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;

/** How a backend is asked who may listen and who may connect. */
public interface WebhookConfig {

    /** Where to ask who may listen; an http or https URL. */
    Optional<URI> url();

    /** The http or https URL that decides whether the user of a valid token may connect. Absent: every user may. */
    @WithName("connect.url")
    Optional<URI> connectUrl();

    /**
     * The most characters that tokens which wait for its answer may have together; a token that is asked about counts twice, those
     * that share the answer once.
     */
    @WithName("connect.token-bytes")
    @WithDefault("16M")
    @InRange(min = "32K", max = "1024M")
    MemorySize connectTokenBytes();

    /** How long an answer may take, the time in the queue included. */
    @WithDefault("2s")
    @InRange(min = "1ms")
    Duration timeout();

    /** How many questions of each kind are asked at once. */
    @WithDefault("64")
    @InRange(min = "1")
    int concurrency();

    /** How long an answer is kept; 0: shared only with those who ask while it is under way. */
    @WithDefault("30s")
    @InRange(min = "0s")
    Duration cache();

    /** How many answers of each kind are kept. */
    @WithDefault("100000")
    @InRange(min = "0")
    long cacheSize();
}
