package dev.sluice.console;

import dev.sluice.config.SluiceConfig;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.operators.multi.processors.BroadcastProcessor;
import io.smallrye.mutiny.subscription.Cancellable;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jboss.logging.Logger;

/** Reads the meters once a second, if the console is enabled, and keeps the samples of the last minutes. */
@Singleton
final class Sampler {

    private static final Logger LOG = Logger.getLogger(Sampler.class);

    /** The maximum number of samples, one per second. */
    static final int MAX_SAMPLES = 300;

    /** The seconds over which percentiles are estimated. */
    private static final int WINDOW = 10;

    private final MeterRegistry meters;
    private final boolean enabled;
    private final Ring<Sample> samples = new Ring<>(MAX_SAMPLES);
    private final Deque<MetricReading> window = new ArrayDeque<>();
    private final BroadcastProcessor<Long> news = BroadcastProcessor.create();
    private Cancellable sampling = () -> {};

    Sampler(SluiceConfig config, MeterRegistry meters) {
        this.enabled = config.console().enabled();
        this.meters = meters;
    }

    void start(@Observes StartupEvent event) {
        if (enabled) {
            sampling = Multi.createFrom()
                    .ticks()
                    .every(Duration.ofSeconds(1))
                    .onOverflow()
                    .drop()
                    .subscribe()
                    .with(
                            this::sample,
                            failure -> LOG.error(
                                    "The console's figures no longer update. Restart the pod, and report this bug",
                                    failure));
        }
    }

    void stop(@Observes ShutdownEvent event) {
        sampling.cancel();
    }

    Ring<Sample> samples() {
        return samples;
    }

    /**
     * Emits an item for each new sample. A slow subscriber may miss items; it reads the samples from {@link #samples}.
     */
    Multi<Long> news() {
        return news.onOverflow().drop();
    }

    private void sample(long number) {
        MetricReading now = MetricReading.of(meters);
        if (!window.isEmpty()) {
            samples.add(Sample.between(window.getFirst(), window.getLast(), now));
        }
        window.add(now);
        if (window.size() > WINDOW) {
            window.remove();
        }
        news.onNext(number);
    }
}
