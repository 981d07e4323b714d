package dev.sluice.route;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import io.smallrye.config.WithParentName;
import java.util.Map;
import java.util.Optional;

/** The routes by prefix, {@code sluice.routes.<prefix>.*}. */
@ConfigMapping(prefix = "sluice.routes")
interface RoutesConfig {

    /** Every prefix Sluice listens to. */
    @WithParentName
    Map<String, RouteConfig> byPrefix();

    /** What one prefix means. */
    interface RouteConfig {

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
    }
}
