package dev.sluice.outbox;

import dev.sluice.clock.Position;

/**
 * A point in what this pod receives.
 *
 * @param position everything before the point is up to this position, if it has one of the same era
 * @param started the sequence of the last publication before this pod began to count from a position in that era: older
 *     publications may have no position, or one of another era
 */
public record Watermark(Position position, long started) {

    /** Whether the publication is before the point. */
    public boolean covers(Payload payload) {
        Position at = payload.position();
        return payload.sequence() <= started
                || (at != null && at.era().equals(position.era()) && at.offset() <= position.offset());
    }
}
