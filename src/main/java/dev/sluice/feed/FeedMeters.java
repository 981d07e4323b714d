package dev.sluice.feed;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/** The metrics of the feed. */
final class FeedMeters {

    private final MeterRegistry metrics;
    private final Timer beats;
    private final Map<PathProof.Renewal, Counter> renewals = new EnumMap<>(PathProof.Renewal.class);
    private final Map<Ticker.Outcome, Counter> ticks = new EnumMap<>(Ticker.Outcome.class);
    private final Counter divergences;
    private final Counter gaps;

    FeedMeters(MeterRegistry metrics) {
        this.metrics = metrics;
        this.beats = Timer.builder("sluice.canary.latency")
                .description("From the publication of a beat until the feed hears it")
                .publishPercentileHistogram()
                .minimumExpectedValue(Duration.ofNanos(100_000))
                .maximumExpectedValue(Duration.ofSeconds(10))
                .register(metrics);
        for (PathProof.Renewal outcome : PathProof.Renewal.values()) {
            renewals.put(
                    outcome,
                    Counter.builder("sluice.canary.reconnects")
                            .description("New connections that publish beats, and whether those were heard")
                            .tag("outcome", outcome.name().toLowerCase(Locale.ROOT))
                            .register(metrics));
        }
        for (Ticker.Outcome outcome : Ticker.Outcome.values()) {
            ticks.put(
                    outcome,
                    Counter.builder("sluice.clock.ticks")
                            .description("Points in the order of publications that pods publish for each other")
                            .tag("outcome", outcome.name().toLowerCase(Locale.ROOT))
                            .register(metrics));
        }
        this.divergences = Counter.builder("sluice.clock.divergences")
                .description("How often this pod has heard something else than most pods")
                .register(metrics);
        this.gaps = Counter.builder("sluice.feed.gaps")
                .description("Stretches of time in which publications may have been missed")
                .register(metrics);
    }

    /** Counts the channels; they are {@code null} if the pod hears all. */
    void measure(@Nullable WantedChannels channels) {
        gauge("subscribed", channels, WantedChannels::subscribed);
        gauge("pending", channels, WantedChannels::pending);
        gauge("lingering", channels, WantedChannels::lingering);
    }

    private void gauge(String state, @Nullable WantedChannels channels, ToDoubleFunction<WantedChannels> count) {
        Gauge.builder("sluice.feed.channels", () -> channels == null ? 0 : count.applyAsDouble(channels))
                .description("Channels to which this pod subscribes by name")
                .tag("state", state)
                .register(metrics);
    }

    /** Counts the connections to masters; there are none except in mode {@code sharded}. */
    void links(Function<Boolean, Long> count) {
        for (boolean live : new boolean[] {true, false}) {
            Gauge.builder("sluice.feed.shards", () -> count.apply(live))
                    .description("Masters of a Redis Cluster to which this pod subscribes")
                    .tag("state", live ? "live" : "down")
                    .register(metrics);
        }
    }

    void beat(Duration latency) {
        beats.record(latency);
    }

    void renewal(PathProof.Renewal outcome) {
        Objects.requireNonNull(renewals.get(outcome)).increment();
    }

    void tick(Ticker.Outcome outcome) {
        Objects.requireNonNull(ticks.get(outcome)).increment();
    }

    void diverged() {
        divergences.increment();
    }

    void gap() {
        gaps.increment();
    }
}
