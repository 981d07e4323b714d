package dev.sluice.config;

import dev.sluice.route.Access;
import dev.sluice.route.Audience;
import dev.sluice.route.Overflow;
import dev.sluice.route.PublicationSource;
import dev.sluice.route.Retain;
import io.smallrye.config.WithDefault;
import java.util.Optional;

/** The settings of one prefix: {@code sluice.routes.<prefix>.*}. */
public interface RouteConfig {

    /** The receivers of its publications. */
    Audience audience();

    /** Who may subscribe; required if the audience is {@code subscribers}, otherwise without effect. */
    Optional<Access> access();

    /** What happens to its publications for a slow connection. */
    @WithDefault("close")
    Overflow overflow();

    /** Which of its publications are retained; only with the audience {@code subscribers}. */
    @WithDefault("none")
    Retain retain();

    /** Where its publications come from. */
    @WithDefault("pubsub")
    PublicationSource source();

    /** Whether its publications are kept for clients that resume; without effect where a stream keeps them. */
    @WithDefault("true")
    boolean history();

    /** Whether clients that hear a channel may see who else does. */
    @WithDefault("false")
    boolean presence();
}
