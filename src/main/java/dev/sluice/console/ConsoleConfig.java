package dev.sluice.console;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import io.smallrye.config.WithName;

/** Whether there is a console. */
@ConfigMapping(prefix = "sluice")
interface ConsoleConfig {

    /** Whether there is one; what it shows needs a token of an operator all the same. */
    @WithName("console.enabled")
    @WithDefault("false")
    boolean enabled();
}
