package dev.sluice.console;

import dev.sluice.http.ProblemException;
import io.smallrye.common.annotation.Blocking;
import io.smallrye.mutiny.Multi;
import jakarta.annotation.security.RolesAllowed;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicInteger;
import org.eclipse.microprofile.jwt.JsonWebToken;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.jboss.resteasy.reactive.RestStreamElementType;

/** Sends the console's page an update once a second, until the token expires. */
@Path("/api/console/updates")
@RolesAllowed("operator")
public final class Watch {

    private static final int MAX_WATCHERS = 16;

    /** The maximum time of one request; the page reconnects. */
    private static final long MAX_SECONDS = Duration.ofDays(1).toSeconds();

    private final Sampler sampler;
    private final RecentEvents events;
    private final JsonWebToken token;
    private final AtomicInteger watchers = new AtomicInteger();

    Watch(Sampler sampler, RecentEvents events, JsonWebToken token) {
        this.sampler = sampler;
        this.events = events;
        this.token = token;
    }

    @GET
    @Blocking
    @Produces(MediaType.SERVER_SENT_EVENTS)
    @RestStreamElementType(MediaType.APPLICATION_JSON)
    @Operation(hidden = true)
    public Multi<Update> updates() {
        long left = token.getExpirationTime() - Instant.now().getEpochSecond();
        Duration good = Duration.ofSeconds(Math.max(1, Math.min(left, MAX_SECONDS)));
        if (watchers.incrementAndGet() > MAX_WATCHERS) {
            watchers.decrementAndGet();
            throw ProblemException.unavailable("The maximum number of viewers of this pod is reached: " + MAX_WATCHERS);
        }
        Watcher watcher = new Watcher();
        return Multi.createBy()
                .concatenating()
                .streams(Multi.createFrom().item(0L), sampler.news())
                .map(news -> watcher.next())
                .select()
                .first(good)
                .onTermination()
                .invoke(watchers::decrementAndGet);
    }

    /** A viewer, and how much it has received. */
    private final class Watcher {
        private long samples;
        private long ends;

        Update next() {
            long seenSamples = samples;
            long seenEnds = ends;
            samples = sampler.samples().added();
            ends = events.ends().added();
            return new Update(
                    events.facts(),
                    sampler.samples().between(seenSamples, samples),
                    events.ends().between(seenEnds, ends));
        }
    }
}
