package dev.sluice.feed;

import io.smallrye.config.FallbackConfigSourceInterceptor;
import java.io.Serial;

/**
 * Gives the feed's Redis client ({@code quarkus.redis.feed.*}) the settings of the default client ({@code
 * quarkus.redis.*}): a named client of Quarkus inherits nothing, so password, TLS or Sentinel settings would otherwise
 * have to be given twice. Where both are set, the one from the source of higher ordinal counts: what is set in the
 * environment for the default client overrides what Sluice comes with for the feed's.
 */
public final class FeedRedisSettings extends FallbackConfigSourceInterceptor {

    @Serial
    private static final long serialVersionUID = 1L;

    private static final String DEFAULT = "quarkus.redis.";
    private static final String NAMED = DEFAULT + Feed.CLIENT + ".";

    /** Found by the service loader. */
    public FeedRedisSettings() {
        super(name -> name.startsWith(NAMED) ? DEFAULT + name.substring(NAMED.length()) : name);
    }
}
