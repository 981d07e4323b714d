package dev.sluice.wire;

import dev.sluice.config.SluiceConfig;
import dev.sluice.guard.ConnectRate;
import dev.sluice.log.LimitMeter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.Startup;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * How many frames a client may send: so many in a second, and so many at once. A generic cell rate algorithm, like that of
 * {@link ConnectRate}, for each connection by itself. This version of WebSockets Next has no bound of its own.
 */
@Startup
@Singleton
public final class FrameRate {

    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    private final long intervalNanos;
    private final long burstNanos;
    private final LongSupplier nanoTime;
    private final LimitMeter meter;

    @Inject
    public FrameRate(SluiceConfig config, MeterRegistry metrics) {
        this(config.limits().framesPerSecond(), config.limits().framesBurst(), System::nanoTime, metrics);
    }

    public FrameRate(int perSecond, int burst, LongSupplier nanoTime, MeterRegistry metrics) {
        this.intervalNanos = SECOND / perSecond;
        this.burstNanos = intervalNanos * burst;
        this.nanoTime = nanoTime;
        this.meter = new LimitMeter("frames-per-second", metrics);
    }

    /** For a connection that has sent nothing yet. */
    public Pace pace() {
        return new Pace();
    }

    /** What one connection may still send. Confined to its event loop. */
    final class Pace {

        /** Theoretical arrival time (GCRA). */
        private long even = nanoTime.getAsLong();

        private boolean exceeded;

        /** Whether one more may come now; never again once one may not, which counts once. */
        boolean admit() {
            return admit(1);
        }

        /** The same for so many at once. */
        boolean admit(int frames) {
            if (exceeded) {
                return false;
            }
            long now = nanoTime.getAsLong();
            long after = (even - now > 0 ? even : now) + frames * intervalNanos;
            if (after - now > burstNanos) {
                exceeded = true;
                meter.exceeded();
                return false;
            }
            even = after;
            return true;
        }
    }
}
