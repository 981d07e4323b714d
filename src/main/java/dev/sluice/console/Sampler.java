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

/** Looks at the meters once a second, where there is a console, and keeps what the last minutes were like. */
@Singleton
final class Sampler {

    private static final Logger LOG = Logger.getLogger(Sampler.class);

    /** Seconds that are kept. */
    static final int KEPT = 300;

    /** Seconds over which percentiles are taken. */
    private static final int WINDOW = 10;

    private final MeterRegistry meters;
    private final boolean enabled;
    private final Ring<Sample> samples = new Ring<>(KEPT);
    private final Deque<MetricReading> window = new ArrayDeque<>();
    private final BroadcastProcessor<Long> news = BroadcastProcessor.create();
    private Cancellable looking = () -> {};

    Sampler(SluiceConfig config, MeterRegistry meters) {
        this.enabled = config.console().enabled();
        this.meters = meters;
    }

    void start(@Observes StartupEvent event) {
        if (enabled) {
            looking = Multi.createFrom()
                    .ticks()
                    .every(Duration.ofSeconds(1))
                    .onOverflow()
                    .drop()
                    .subscribe()
                    .with(
                            this::look,
                            failure -> LOG.error(
                                    "The console's figures no longer update. Restart the pod, and report this bug",
                                    failure));
        }
    }

    void stop(@Observes ShutdownEvent event) {
        looking.cancel();
    }

    Ring<Sample> samples() {
        return samples;
    }

    /** One item for each new sample; a slow subscriber misses items, but no sample. */
    Multi<Long> news() {
        return news.onOverflow().drop();
    }

    private void look(long number) {
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
