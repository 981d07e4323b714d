package dev.sluice.control;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithName;
import java.util.Optional;

/** What the pods of a fleet have in common. */
@ConfigMapping(prefix = "sluice")
interface ControlConfig {

    /** What messages between pods are signed with, at least 32 bytes; where absent, pods keep to themselves. */
    @WithName("control.secret")
    Optional<String> secret();
}
