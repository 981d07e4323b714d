package dev.sluice.config;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/** How Redis streams are read and written, for routes whose source is a stream. */
public interface StreamsConfig {

    /** Whether the pod may switch on the notifications that it needs, with {@code CONFIG SET}. */
    @WithDefault("false")
    boolean configure();

    /** The maximum number of simultaneous reads of the pod, of which each channel has one. */
    @WithDefault("32")
    @InRange(min = "1", max = "1024")
    int maxReads();

    /** The maximum number of entries of one read. */
    @WithDefault("500")
    @InRange(min = "2", max = "10000")
    int maxReadEntries();

    /**
     * The bytes of one read. A read gets more where entries are larger than the ones before, and always one entry.
     */
    @WithDefault("1M")
    @InRange(min = "1K")
    MemorySize maxReadBytes();

    /** The timeout of a read. */
    @WithDefault("2s")
    @InRange(min = "1ms")
    Duration timeout();

    /** The approximate number of entries to which the HTTP API trims a stream when it adds one. */
    @WithDefault("1000")
    @InRange(min = "1", max = "1000000000")
    long maxLength();

    /**
     * The time after the HTTP API's last entry at which Redis deletes the stream. If a stream is empty again after a shorter
     * absence, its client has missed nothing.
     */
    @WithDefault("24h")
    @InRange(min = "1s", max = "36500d")
    Duration maxAge();

    /**
     * Whether the HTTP API already writes streams on routes that read both sources. Only once all pods read both: a pod
     * that does not would miss the entries.
     */
    @WithDefault("false")
    boolean writeBoth();
}
