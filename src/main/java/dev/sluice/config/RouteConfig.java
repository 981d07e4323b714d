package dev.sluice.config;

import dev.sluice.route.Access;
import dev.sluice.route.Audience;
import dev.sluice.route.Overflow;
import dev.sluice.route.Retain;
import io.smallrye.config.WithDefault;
import java.util.Optional;

/** What one prefix means: {@code sluice.routes.<prefix>.*}. */
public interface RouteConfig {

    /** Who hears its publications. */
    Audience audience();

    /** Who may subscribe; needed where the audience is {@code subscribers}, without effect where it is not. */
    Optional<Access> access();

    /** What happens to its publications for a connection that is too slow. */
    @WithDefault("close")
    Overflow overflow();

    /** What of its publications is kept; something only where the audience is {@code subscribers}. */
    @WithDefault("none")
    Retain retain();

    /** Whether its publications are kept for clients that come back. */
    @WithDefault("true")
    boolean history();
}
