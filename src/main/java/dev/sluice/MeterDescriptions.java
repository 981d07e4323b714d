package dev.sluice;

import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.config.MeterFilter;
import jakarta.inject.Singleton;

/** Replaces quotes in descriptions of meters: Micrometer escapes them, and strict parsers of metrics refuse that. */
@Singleton
final class MeterDescriptions implements MeterFilter {

    @Override
    public Meter.Id map(Meter.Id id) {
        String description = id.getDescription();
        return description == null || description.indexOf('"') < 0
                ? id
                : new Meter.Id(
                        id.getName(),
                        Tags.of(id.getTagsAsIterable()),
                        id.getBaseUnit(),
                        description.replace('"', '\''),
                        id.getType());
    }
}
