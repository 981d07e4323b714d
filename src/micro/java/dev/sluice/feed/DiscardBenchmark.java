package dev.sluice.feed;

import dev.sluice.TestRelay;
import dev.sluice.clock.Era;
import dev.sluice.clock.Position;
import dev.sluice.delivery.DeliveryBenchmark;
import dev.sluice.history.TestHistory;
import dev.sluice.registry.ListenersBenchmark;
import dev.sluice.registry.Registry;
import dev.sluice.retain.TestRetention;
import dev.sluice.route.Access;
import dev.sluice.route.Audience;
import dev.sluice.route.Overflow;
import dev.sluice.route.Retain;
import dev.sluice.route.Route;
import dev.sluice.route.Routes;
import io.micrometer.prometheus.PrometheusConfig;
import io.micrometer.prometheus.PrometheusMeterRegistry;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.vertx.core.buffer.Buffer;
import io.vertx.redis.client.impl.VertxParser;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The cost of a publication of 200 bytes without a listener on this pod, which is the usual case in a fleet. {@code fromBytes} is all of it,
 * from the bytes of Redis; {@code decision} is its second half.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@OperationsPerInvocation(DiscardBenchmark.BATCH)
@Fork(2)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
public class DiscardBenchmark {

    static final int BATCH = 4000;

    /** The most that Netty reads at once, in bytes. */
    private static final int READ = 64 * 1024;

    private static final Era ERA = new Era(1, 1);

    /** Whether what is published is kept for clients that come back. */
    @Param({"false", "true"})
    boolean history;

    private final List<Publication> publications = new ArrayList<>();
    private final List<Publication> uploads = new ArrayList<>();
    private Consumer<Batch> relay;
    private EmbeddedChannel channel;
    private ByteBuf users;
    private VertxParser parser;
    private long unwanted;
    private long tick;

    /** Bytes as they come from the kernel: direct, many messages in one read. */
    @Setup
    public void setUp() {
        Routes routes = new Routes(List.of(
                new Route("upload", Audience.SUBSCRIBERS, Access.OPEN, Overflow.LATEST, Retain.LAST, history),
                new Route("user", Audience.USER, null, Overflow.CLOSE, Retain.NONE, history)));
        Registry registry = ListenersBenchmark.emptyRegistry();
        relay = TestRelay.of(
                routes,
                TestHistory.standard(),
                TestRetention.with(100_000),
                registry,
                DeliveryBenchmark.idleDispatcher(registry),
                new PrometheusMeterRegistry(PrometheusConfig.DEFAULT));
        channel = new EmbeddedChannel(decoder(read -> relay.accept(batch(read))));
        users = resp("user");
        EmbeddedChannel reader = new EmbeddedChannel(decoder(publications::addAll));
        reader.writeInbound(users.retainedDuplicate());
        reader = new EmbeddedChannel(decoder(uploads::addAll));
        reader.writeInbound(resp("upload"));
        parser = new VertxParser(response -> {
            if (response.get(0).toString().equals("pmessage")
                    && routes.resolve(response.get(2).toString()) != null) {
                unwanted++;
            }
        });
    }

    /** From the bytes of Redis to the decision to discard. */
    @Benchmark
    public void fromBytes() {
        for (int at = 0; at < users.readableBytes(); at += READ) {
            channel.writeInbound(users.retainedSlice(at, Math.min(READ, users.readableBytes() - at)));
        }
    }

    /** The decision alone: the route, who listens, the counters. */
    @Benchmark
    public void decision() {
        relay.accept(batch(publications));
    }

    /** The decision alone on a route that keeps the newest of each channel. */
    @Benchmark
    public void decisionRetained() {
        relay.accept(batch(uploads));
    }

    /** The same bytes through the Redis client's own parser, as far as the route: what the feed does without. */
    @Benchmark
    public long vertxParser() {
        byte[] bytes = new byte[users.readableBytes()];
        users.getBytes(0, bytes);
        parser.read(Buffer.buffer(Unpooled.wrappedBuffer(bytes)));
        return unwanted;
    }

    private static PublicationDecoder decoder(Consumer<List<Publication>> consumer) {
        return new PublicationDecoder(256 * 1024, List.of(), consumer, own -> {});
    }

    /** Each after a tick of its own: positions rise. */
    private Batch batch(List<Publication> read) {
        return new Batch(Position.of(ERA, ++tick, 0, tick), read);
    }

    private static ByteBuf resp(String prefix) {
        StringBuilder text = new StringBuilder();
        String payload = "x".repeat(200);
        for (int i = 0; i < BATCH; i++) {
            String name = prefix + ":" + (100_000 + i);
            text.append("*4\r\n$8\r\npmessage\r\n")
                    .append("$" + (prefix.length() + 2) + "\r\n" + prefix + ":*\r\n")
                    .append("$" + name.length() + "\r\n" + name + "\r\n")
                    .append("$200\r\n" + payload + "\r\n");
        }
        byte[] bytes = text.toString().getBytes(StandardCharsets.US_ASCII);
        return Unpooled.directBuffer(bytes.length).writeBytes(bytes);
    }
}
