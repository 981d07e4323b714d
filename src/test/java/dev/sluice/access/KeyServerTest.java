package dev.sluice.access;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.access.KeyServer.Fetched;
import dev.sluice.access.KeyServer.Known;
import dev.sluice.harness.RsaKeys;
import io.vertx.core.Promise;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.jose4j.jwk.EcJwkGenerator;
import org.jose4j.jwk.JsonWebKey;
import org.jose4j.keys.EllipticCurves;
import org.jose4j.lang.JoseException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests time and order; KeyServerIT tests the answers of a real server. */
@SuppressWarnings("FutureReturnValueIgnored")
class KeyServerTest {

    private static final Set<String> ALGORITHMS = Set.of("ES256");
    private static final Duration PATIENCE = Duration.ofSeconds(4);
    private static final Duration LIFE = Duration.ofHours(1);
    private static final Duration RETAIN = Duration.ofHours(1);
    private static final long START = Long.MAX_VALUE - Duration.ofMinutes(1).toNanos();

    private final List<Promise<Fetched>> fetches = new ArrayList<>();
    private final TreeMap<Long, Runnable> timers = new TreeMap<>();
    private long millis;

    private final KeyServer server = new KeyServer(
            "the server",
            ALGORITHMS,
            () -> {
                Promise<Fetched> fetch = Promise.promise();
                fetches.add(fetch);
                return fetch.future();
            },
            (delay, task) -> timers.put(millis + delay, task),
            () -> START + TimeUnit.MILLISECONDS.toNanos(millis),
            RETAIN);

    @Test
    void tokensShareTheFirstFetch() {
        assertThat(server.known()).isNull();
        CompletableFuture<Void> one = server.next(PATIENCE);
        CompletableFuture<Void> two = server.next(Duration.ZERO);
        pass(0);
        assertThat(fetches).hasSize(1);
        assertThat(one).isNotDone();
        answer();
        assertThat(one).isCompleted();
        assertThat(two).isCompleted();
        assertThat(server.known()).isNotNull();
        assertThat(server.healthy()).isTrue();
    }

    @Test
    void firstUnknownKeyIsFetchedAtOnce() {
        know();
        server.next(PATIENCE);
        pass(0);
        assertThat(fetches).hasSize(2);
    }

    @Test
    void fetchesAtMostEveryTenSeconds() {
        know();
        refetch();
        int before = fetches.size();
        for (int i = 0; i < 100; i++) {
            server.next(PATIENCE);
            pass(100);
            if (fetches.size() > before && !fetches.get(before).future().isComplete()) {
                answer();
            }
        }
        assertThat(fetches).hasSize(before + 1);
    }

    @Test
    void tokenWaitsOnlyForAFetchThatBeginsSoon() {
        know();
        refetch();
        pass(5_000);
        assertThat(server.next(PATIENCE)).as("due in 5 s").isCompletedExceptionally();
        pass(1_000);
        CompletableFuture<Void> waiting = server.next(PATIENCE);
        assertThat(waiting).as("due in 4 s").isNotDone();
        pass(4_000);
        assertThat(fetches).as("asked for by both").hasSize(3);
        answer();
        assertThat(waiting).isCompleted();
    }

    @Test
    void keysAreAsOldAsTheirRequest() {
        CompletableFuture<Void> next = server.next(PATIENCE);
        pass(0);
        long asked = START + TimeUnit.MILLISECONDS.toNanos(millis);
        pass(1_000);
        answer();
        assertThat(next).isCompleted();
        Known known = server.known();
        assertThat(known).isNotNull();
        assertThat(known.asked()).isEqualTo(asked);
    }

    @Test
    void failureIsLoggedAndRetriedSoonerWithoutKeys() {
        CompletableFuture<Void> first = server.next(PATIENCE);
        pass(0);
        fail();
        assertThat(first).isCompletedExceptionally();
        assertThat(server.known()).isNull();
        assertThat(server.healthy()).isFalse();
        server.next(PATIENCE);
        pass(4_000);
        assertThat(fetches).hasSize(1);
        pass(1_000);
        assertThat(fetches).hasSize(2);
        answer();
        assertThat(server.known()).isNotNull();
    }

    @Test
    void exceptionOfTheFetcherIsAFailure() {
        KeyServer broken = new KeyServer(
                "the server",
                ALGORITHMS,
                () -> {
                    throw new IllegalStateException("broken");
                },
                (delay, task) -> task.run(),
                System::nanoTime,
                RETAIN);
        assertThat(broken.next(PATIENCE)).isCompletedExceptionally();
    }

    @Test
    void knownKeysStayValidDuringAnOutageUntilTheRetentionEnds() {
        know();
        pass(LIFE.toMillis());
        assertThat(server.known()).as("to be fetched first").isNull();
        server.next(PATIENCE);
        pass(0);
        fail();
        assertThat(server.known()).as("retained").isNotNull();
        assertThat(server.healthy()).isFalse();
        pass(10_000);
        assertThat(fetches).as("retried, and no token waits for it").hasSize(3);
        fail();
        pass(RETAIN.toMillis() - 10_000);
        assertThat(server.known()).as("too old").isNull();
    }

    @Test
    void removedKeysAreInvalidAfterTheNextFetch() {
        know();
        pass(LIFE.toMillis());
        server.next(PATIENCE);
        pass(0);
        answer();
        assertThat(server.known()).isNotNull();
        assertThat(fetches).hasSize(2);
    }

    @Test
    void keysAreFetchedAgainBeforeTheyExpire() {
        know();
        pass(LIFE.minusSeconds(5).toMillis());
        assertThat(fetches).as("no token has asked").hasSize(2);
        assertThat(server.known()).as("no token waits").isNotNull();
        pass(1_000);
        answer();
        pass(5_000);
        assertThat(server.known()).isNotNull();
        assertThat(fetches).hasSize(2);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 5, -1})
    void shortLivedKeysStayValidUntilTheNextFetchCanEnd(long seconds) {
        Duration life = Duration.ofSeconds(seconds);
        server.next(PATIENCE);
        pass(0);
        answer(life);
        refetch(life);
        for (int second = 0; second < 60; second++) {
            assertThat(server.known()).isNotNull();
            pass(1_000);
            if (!fetches.get(fetches.size() - 1).future().isComplete()) {
                pass(3_000);
                assertThat(server.known()).as("meanwhile").isNotNull();
                answer(life);
            }
        }
        assertThat(fetches.size()).as("every ten seconds").isBetween(9, 14);
    }

    @Test
    void enormousLifetimeNeverExpires() {
        server.next(PATIENCE);
        pass(0);
        answer(Duration.ofSeconds(Long.MAX_VALUE));
        pass(Duration.ofDays(1000).toMillis());
        assertThat(server.known()).isNotNull();
    }

    @Test
    void invalidAnswerIsRetried() {
        CompletableFuture<Void> next = server.next(PATIENCE);
        pass(0);
        fetches.get(0).complete(null);
        assertThat(next).isCompletedExceptionally();
        server.next(PATIENCE);
        pass(5_000);
        answer();
        assertThat(server.known()).isNotNull();
    }

    @Test
    void warnsOnceOfKeysThatAreForOtherAlgorithms() throws JoseException {
        JsonWebKey rsa = JsonWebKey.Factory.newJwk(RsaKeys.next().getPublic());
        JsonWebKey ec = EcJwkGenerator.generateJwk(EllipticCurves.P256);
        List<String> lines = new ArrayList<>();
        Handler handler = warnings(lines);
        Logger logger = Logger.getLogger(KeyServer.class.getName());
        logger.addHandler(handler);
        try {
            server.next(PATIENCE);
            pass(0);
            answer(rsa);
            assertThat(lines).singleElement().asString().startsWith("None of the keys");
            server.next(PATIENCE);
            pass(0);
            answer(rsa);
            assertThat(lines).as("not each time").hasSize(1);
            pass(10_000);
            server.next(PATIENCE);
            pass(0);
            answer(rsa, ec);
            assertThat(lines).hasSize(1);
        } finally {
            logger.removeHandler(handler);
        }
    }

    @Test
    void errorOfTheFetcherIsAFailure() {
        KeyServer broken = new KeyServer(
                "the server",
                ALGORITHMS,
                () -> {
                    throw new NoClassDefFoundError("broken");
                },
                (delay, task) -> task.run(),
                System::nanoTime,
                RETAIN);
        assertThat(broken.next(PATIENCE)).isCompletedExceptionally();
    }

    private void know() {
        server.next(PATIENCE);
        pass(0);
        answer();
    }

    private void refetch() {
        server.next(PATIENCE);
        pass(0);
        answer();
    }

    private void answer() {
        answer(LIFE);
    }

    private void answer(Duration life) {
        fetches.get(fetches.size() - 1).complete(new Fetched(new KeySet(List.of()), life));
    }

    private void answer(JsonWebKey... keys) {
        fetches.get(fetches.size() - 1).complete(new Fetched(new KeySet(List.of(keys)), LIFE));
    }

    private static Handler warnings(List<String> lines) {
        Thread here = Thread.currentThread();
        return new Handler() {
            @Override
            public void publish(LogRecord line) {
                // Other tests may run at the same time.
                if (Thread.currentThread() == here && line.getLevel().intValue() >= Level.WARNING.intValue()) {
                    lines.add(line.getMessage());
                }
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
    }

    private void refetch(Duration life) {
        server.next(PATIENCE);
        pass(0);
        answer(life);
    }

    private void fail() {
        fetches.get(fetches.size() - 1).fail(new IOException("away"));
    }

    private void pass(long duration) {
        millis += duration;
        while (!timers.isEmpty() && timers.firstKey() <= millis) {
            timers.pollFirstEntry().getValue().run();
        }
    }
}
