package dev.sluice.access;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import io.smallrye.config.WithName;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Who may ask, and who says who may listen. */
@ConfigMapping(prefix = "sluice")
interface AccessConfig {

    /** Origins whose pages may ask, beside those of the host the request is for. */
    Optional<List<String>> origins();

    /** How routes with {@code access=owner} ask Redis. */
    Owner owner();

    /** How a backend is asked: by routes with {@code access=webhook}, and who may connect. */
    Webhook webhook();

    /** How many questions of each kind may wait for their turn; more are not answered. */
    @WithName("access.pending")
    @WithDefault("10000")
    int pending();

    /** How Redis is asked. */
    interface Owner {
        /** How long an answer may take, waiting for its turn included. */
        @WithDefault("2s")
        Duration timeout();

        /** How many questions are asked at once. */
        @WithDefault("16")
        int concurrency();
    }

    /** How a backend is asked. */
    interface Webhook {
        /** Where to; an http or https URL. */
        Optional<URI> url();

        /** Where to ask whether the bearer of a good token may connect; an http or https URL. Where absent, each may. */
        @WithName("connect.url")
        Optional<URI> connectUrl();

        /** How long an answer may take, waiting for its turn included. */
        @WithDefault("2s")
        Duration timeout();

        /** How many questions of each kind are asked at once. */
        @WithDefault("64")
        int concurrency();

        /** How long an answer is good for; 0 for no longer than it takes. */
        @WithDefault("30s")
        Duration cache();

        /** How many answers of each kind are kept. */
        @WithDefault("100000")
        long cacheSize();
    }
}
