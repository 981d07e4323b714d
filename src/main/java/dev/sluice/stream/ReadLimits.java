package dev.sluice.stream;

import dev.sluice.config.FeedConfig;
import dev.sluice.config.StreamsConfig;
import java.time.Duration;

/**
 * The bounds and delays of reads.
 *
 * @param maxReads how many may be under way
 * @param maxEntries how many entries one has
 * @param maxBytes how many bytes one should have
 * @param patience how long a client waits until it is known where its channel begins
 */
record ReadLimits(
        int maxReads, int maxEntries, int maxBytes, Duration firstRetry, Duration lastRetry, Duration patience) {

    static ReadLimits of(StreamsConfig config, FeedConfig feed) {
        return new ReadLimits(
                config.maxReads(),
                config.maxReadEntries(),
                (int) Math.min(Integer.MAX_VALUE, config.maxReadBytes().asLongValue()),
                feed.backoff().initial(),
                feed.backoff().max(),
                feed.connectTimeout());
    }
}
