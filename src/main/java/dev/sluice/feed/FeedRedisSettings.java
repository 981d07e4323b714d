package dev.sluice.feed;

import io.smallrye.config.FallbackConfigSourceInterceptor;
import java.io.Serial;

/**
 * Gives the feed's Redis client ({@code quarkus.redis.feed.*}) the settings of the default client ({@code
 * quarkus.redis.*}), because a named client of Quarkus inherits nothing. If both are set, the source with the higher
 * ordinal wins: the environment's setting of the default client overrides Sluice's own default of the feed's.
 */
public final class FeedRedisSettings extends FallbackConfigSourceInterceptor {

    @Serial
    private static final long serialVersionUID = 1L;

    private static final String DEFAULT = "quarkus.redis.";
    private static final String NAMED = DEFAULT + Feed.CLIENT + ".";

    /** Called by the service loader. */
    public FeedRedisSettings() {
        super(name -> name.startsWith(NAMED) ? DEFAULT + name.substring(NAMED.length()) : name);
    }
}
