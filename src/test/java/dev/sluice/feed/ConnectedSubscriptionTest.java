package dev.sluice.feed;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.log.LogThrottle;
import dev.sluice.redis.ClusterTopology.Master;
import dev.sluice.redis.ClusterTopology.Range;
import io.netty.channel.ChannelPipeline;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.net.NetServer;
import io.vertx.core.net.NetSocket;
import io.vertx.redis.client.Redis;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Redis answers in an order that the test decides, or refuses. */
class ConnectedSubscriptionTest {

    private static final ClockChannel CLOCK = new ClockChannel("sluice:clock:test");
    private static final Master MASTER = new Master("m0", "m0", 1, List.of(new Range(0, 16_383)));
    private static final String REFUSED = "upload:refused";

    private final Vertx vertx = Vertx.vertx();
    private final Context context = vertx.getOrCreateContext();
    private final ChannelSubscriptions channels = new ChannelSubscriptions(
            new ChannelSubscriptions.Bounds(10, Duration.ofSeconds(1), 10),
            new ContextTime(vertx, context),
            task -> context.runOnContext(x -> task.run()));

    /** Whether the subscription has asked who else subscribes to the channel of ticks. */
    private final CompletableFuture<Void> asked = new CompletableFuture<>();

    private final CompletableFuture<@Nullable Throwable> ended = new CompletableFuture<>();

    private final LogThrottle uncounted = new LogThrottle();

    /** The next subscription is live. */
    private volatile CompletableFuture<Void> subscribed = new CompletableFuture<>();

    /** Of the node. */
    private volatile String id = MASTER.id();

    /** To {@link #REFUSED}. */
    private volatile String refusal = "";

    /** What Redis says of the channel of ticks; empty for nothing. */
    private volatile String answer = "";

    private NetServer server;
    private @Nullable Subscription subscription;

    @BeforeEach
    void listen() throws Exception {
        server = vertx.createNetServer()
                .connectHandler(socket -> socket.handler(new Commands(socket)))
                .listen(0, "localhost")
                .toCompletionStage()
                .toCompletableFuture()
                .get(60, TimeUnit.SECONDS);
    }

    @AfterEach
    void close() throws Exception {
        CompletableFuture<Void> closed = new CompletableFuture<>();
        context.runOnContext(x -> {
            if (subscription != null) {
                subscription.close();
            }
            closed.complete(null);
        });
        await(closed);
        vertx.close().toCompletionStage().toCompletableFuture().get(60, TimeUnit.SECONDS);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "false; NOPERM No permissions to access a channel",
                "false; NOPERM User pubsub has no permissions to run the 'subscribe' command",
                "true; CLUSTERDOWN Hash slot not served",
                "true; NOPERM User pubsub has no permissions to run the 'ssubscribe' command"
            })
    void refusedChannelEndsTheSubscriptionThatAwaitsAnotherAnswer(boolean sharded, String error) throws Exception {
        refusal = error;
        open(sharded);
        await(asked);
        channels.wanted(REFUSED);
        assertThat(await(ended)).hasMessageContaining(error);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '"',
            value = {
                "false; NOPERM this user has no permissions to run the 'pubsub' command or its subcommand",
                "false; NOPERM User default has no permissions to run the 'pubsub|numsub' command",
                "false; NOPERM User subscriber has no permissions to run the 'pubsub|numsub' command",
                "false; NOPERM guest has no ACL permissions",
                "false; ERR command not allowed",
                "false; ERR unknown command `PUBSUB`, with args beginning with: `NUMSUB`,",
                "true; NOPERM User default has no permissions to run the 'pubsub|shardnumsub' command",
                "true; ERR unknown subcommand 'SHARDNUMSUB'. Try PUBSUB HELP.",
                "true; ERR Unknown subcommand or wrong number of arguments for 'SHARDNUMSUB'. Try PUBSUB HELP."
            })
    void subscriptionLastsIfItMayNotAskWhoElseSubscribes(boolean sharded, String error) throws Exception {
        answer = "-" + error + "\r\n";
        open(sharded);
        await(asked);
        CompletableFuture<Void> joined = new CompletableFuture<>();
        channels.join(List.of("upload:a"), release -> joined.complete(null));
        await(joined);
        assertThat(ended).isNotDone();
    }

    @Test
    void connectionsWithoutPositionsAreLoggedOnceAMinute() throws Exception {
        id = "m1";
        List<String> lines = Collections.synchronizedList(new ArrayList<>());
        Handler handler = warnings(lines);
        Logger logger = Logger.getLogger(ShardSubscription.class.getName());
        logger.addHandler(handler);
        // Its own, because concurrent tests turn off the log of the package.
        logger.setLevel(Level.WARNING);
        try {
            for (int i = 0; i < 3; i++) {
                CompletableFuture<Void> live = new CompletableFuture<>();
                subscribed = live;
                open(true);
                await(live);
            }
        } finally {
            logger.setLevel(null);
            logger.removeHandler(handler);
        }
        assertThat(lines).singleElement().asString().contains("have no positions");
    }

    private static Handler warnings(List<String> lines) {
        return new Handler() {
            @Override
            public void publish(LogRecord line) {
                if (line.getLevel().intValue() >= Level.WARNING.intValue()) {
                    lines.add(line.getMessage());
                }
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
    }

    private static <T> T await(CompletableFuture<T> event)
            throws InterruptedException, ExecutionException, TimeoutException {
        return event.get(60, TimeUnit.SECONDS);
    }

    /** Replaces the subscription. */
    private void open(boolean sharded) {
        context.runOnContext(x -> {
            if (subscription != null) {
                subscription.close();
            }
            List<String> prefixes = List.of("upload");
            if (sharded) {
                subscription = new ShardSubscription(
                        () -> MASTER,
                        new Clients(),
                        prefixes,
                        CLOCK,
                        1000,
                        channels,
                        ignoring(Shards.Events.class),
                        Duration.ofMinutes(1),
                        new ContextTime(vertx, context),
                        uncounted,
                        new QuorumWatch(new ContextTime(vertx, context), () -> {}),
                        context,
                        new Life());
            } else {
                subscription = new RedisSubscription(
                        new Clients(),
                        new RedisSubscription.Names(List.of(), prefixes, null, CLOCK, channels),
                        1000,
                        context,
                        ignoring(FeedListener.class),
                        new Life());
            }
        });
    }

    private static <T> T ignoring(Class<T> type) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(), new Class<?>[] {type}, (proxy, method, arguments) -> null));
    }

    /** Answers the commands of one connection. */
    private final class Commands implements io.vertx.core.Handler<Buffer> {

        private final NetSocket socket;
        private String unread = "";

        Commands(NetSocket socket) {
            this.socket = socket;
        }

        @Override
        public void handle(Buffer received) {
            unread += received.toString();
            for (List<String> command = next(); !command.isEmpty(); command = next()) {
                answer(command);
            }
        }

        /** Returns the name and the arguments of the next command; empty if it is not complete. */
        private List<String> next() {
            String[] lines = unread.split("\r\n", -1);
            int size = unread.isEmpty() ? 0 : Integer.parseInt(lines[0].substring(1));
            if (size == 0 || lines.length <= 1 + 2 * size) {
                return List.of();
            }
            List<String> words = new ArrayList<>();
            int length = lines[0].length() + 2;
            for (int i = 0; i < size; i++) {
                words.add(lines[2 + 2 * i]);
                length += lines[1 + 2 * i].length() + 2 + lines[2 + 2 * i].length() + 2;
            }
            unread = unread.substring(length);
            return words;
        }

        private void answer(List<String> command) {
            String name = command.get(0).toLowerCase(Locale.ROOT);
            switch (name) {
                case "hello" -> socket.write("%1\r\n$5\r\nproto\r\n:3\r\n");
                case "role" -> socket.write("*1\r\n$6\r\nmaster\r\n");
                case "cluster" -> socket.write(bulk(id));
                case "subscribe", "ssubscribe", "unsubscribe", "sunsubscribe" ->
                    command.subList(1, command.size()).forEach(channel -> {
                        socket.write(
                                channel.equals(REFUSED)
                                        ? "-" + refusal + "\r\n"
                                        : ">3\r\n" + bulk(name) + bulk(channel) + ":1\r\n");
                    });
                case "pubsub" -> {
                    socket.write(answer);
                    asked.complete(null);
                }
                default -> socket.write("+OK\r\n");
            }
        }

        private static String bulk(String text) {
            return "$" + text.length() + "\r\n" + text + "\r\n";
        }
    }

    private final class Clients implements RedisSubscription.Clients {

        @Override
        public Redis subscriber(Consumer<ChannelPipeline> initializer) {
            return Redis.createClient(
                    new DecodingVertx(vertx, initializer), "redis://localhost:" + server.actualPort());
        }

        @Override
        public BeatConnection beats(
                String channel, @Nullable ClockChannel ticks, Context on, BeatConnection.Listener listener) {
            throw new UnsupportedOperationException();
        }
    }

    private final class Life implements Subscription.Listener {

        @Override
        public void subscribed() {
            subscribed.complete(null);
        }

        @Override
        public void alone() {}

        @Override
        public void published(List<Publication> publications) {}

        @Override
        public void ticked(@Nullable String text) {}

        @Override
        public void heard(long beat) {}

        @Override
        public void ended(@Nullable Throwable cause) {
            ended.complete(cause);
        }
    }
}
