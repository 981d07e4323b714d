package dev.sluice.config;

import io.smallrye.config.ConfigValidator;
import io.smallrye.config.SmallRyeConfigBuilder;
import io.smallrye.config.SmallRyeConfigBuilderCustomizer;

/**
 * Validates only Sluice's settings. Those of Quarkus have no constraints, and to find none in them took 4 % of an executable's start.
 */
public final class OwnSettingsValidation implements SmallRyeConfigBuilderCustomizer {

    private static final String OWN = "dev.sluice.";

    /** Called by the service loader. */
    public OwnSettingsValidation() {}

    @Override
    public void configBuilder(SmallRyeConfigBuilder builder) {
        ConfigValidator all = builder.getValidator();
        builder.withValidator((type, prefix, settings) -> {
            if (type.getName().startsWith(OWN)) {
                all.validateMapping(type, prefix, settings);
            }
        });
    }

    /** After Quarkus has set its validator (0). */
    @Override
    public int priority() {
        return 1;
    }
}
