package dev.sluice.feed;

import io.smallrye.config.FallbackConfigSourceInterceptor;
import java.io.Serial;

/**
 * Lets the feed's Redis client take every setting it has none of its own for ({@code quarkus.redis.feed.*}) from the
 * default client ({@code quarkus.redis.*}): a named client of Quarkus inherits nothing, so password, TLS or Sentinel
 * settings would otherwise have to be given twice.
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
