package dev.sluice.wire;

import static jakarta.interceptor.Interceptor.Priority.LIBRARY_AFTER;

import dev.sluice.outbox.Loop;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.smallrye.common.vertx.VertxContext;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import jakarta.annotation.Priority;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jboss.logging.Logger;

/** The event loops of clients' connections. Their number is small, and constant once each has had a connection. */
// In a native executable, Vert.x finds epoll only as a service, which is created by reflection.
@RegisterForReflection(classNames = "io.vertx.core.impl.transports.EpollTransport")
@Singleton
public final class EventLoops {

    private static final Logger LOG = Logger.getLogger(EventLoops.class);

    /**
     * How often a loop checks for timeouts; often enough for a close to take two seconds at most, as the protocol
     * promises.
     */
    private static final long SWEEP_MILLIS = 250;

    private final Vertx vertx;
    private final Map<Context, Loop> known = new ConcurrentHashMap<>();

    EventLoops(Vertx vertx) {
        this.vertx = vertx;
    }

    // Runs after everything that may fail the start, so that the reason of a failure is logged in one line.
    void start(@Observes @Priority(LIBRARY_AFTER + 1) StartupEvent event) {
        // Netty falls back silently, for example if it can't write its library to a read-only /tmp.
        LOG.infof("Event loops use %s", vertx.isNativeTransportEnabled() ? "epoll" : "Java's NIO");
    }

    /** Returns the loop of the calling thread. */
    public Loop current() {
        // The duplicated context of a callback would be kept alive for as long as the loop.
        Context context = VertxContext.getRootContext(Vertx.currentContext());
        Loop loop = known.get(context);
        return loop != null ? loop : add(context);
    }

    private synchronized Loop add(Context context) {
        Loop loop = new Loop(known.size(), task -> context.runOnContext(x -> task.run()));
        known.put(context, loop);
        vertx.setPeriodic(SWEEP_MILLIS, timer -> loop.execute(loop::sweep));
        return loop;
    }
}
