package dev.sluice.access;

import io.smallrye.config.ConfigMapping;
import java.util.List;
import java.util.Optional;

/** Who may ask. */
@ConfigMapping(prefix = "sluice")
interface AccessConfig {

    /** Origins whose pages may ask; where absent, those of the host the request is for. */
    Optional<List<String>> origins();
}
