package dev.sluice.session;

import dev.sluice.access.TokenResult;
import dev.sluice.feed.Gap;
import dev.sluice.feed.WantedChannels;
import dev.sluice.log.LimitMeter;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.protocol.Refusal;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Disconnected;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Authentication without a pod: a test gives the results, and sees the effects. */
final class TestAuthentication {

    final List<Consumer<TokenResult>> results = new ArrayList<>();
    final List<Refusal> failures = new ArrayList<>();
    final List<Connection> admitted = new ArrayList<>();
    final List<Disconnected> ended = new ArrayList<>();
    boolean timerRuns;

    @Nullable
    Gap gap;

    /** {@code null} if the feed hears all channels. */
    @Nullable
    WantedChannels channels;

    /** Whether a connection is admitted. */
    Predicate<Connection> admits = connection -> true;

    /** The verification of a token. */
    Authentication.Verifier verifier = (token, span, result) -> results.add(result);

    /** The action at the end of a connection. */
    Consumer<Disconnected> onDisconnected = event -> {};

    Authentication with(Requests requests) {
        return new Authentication(
                task -> {
                    timerRuns = true;
                    return () -> timerRuns = false;
                },
                (token, span, result) -> verifier.verify(token, span, result),
                connection -> {
                    boolean added = admits.test(connection);
                    if (added) {
                        admitted.add(connection);
                    }
                    return added;
                },
                () -> gap,
                event -> {
                    ended.add(event);
                    onDisconnected.accept(event);
                },
                failures::add,
                requests,
                Duration.ofSeconds(30),
                true,
                new FeedGate(channels, new LimitMeter("max-channels", new SimpleMeterRegistry())),
                TestOutboxFactory.ROUTES::ofUser);
    }
}
