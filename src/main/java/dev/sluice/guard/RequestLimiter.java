package dev.sluice.guard;

import dev.sluice.config.SluiceConfig;
import dev.sluice.log.LimitMeter;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.compression.ZlibCodecFactory;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.websocketx.extensions.WebSocketServerExtensionHandler;
import io.netty.handler.codec.http.websocketx.extensions.compression.PerMessageDeflateServerExtensionHandshaker;
import io.quarkus.runtime.Startup;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.quarkus.vertx.http.HttpServerOptionsCustomizer;
import io.vertx.core.http.HttpServerOptions;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/** Limits for HTTP connections; exceeding one closes the connection. */
@Startup
@Singleton
final class RequestLimiter implements HttpServerOptionsCustomizer {

    private static final String HTTP2 = "quarkus.http.http2";

    private final Bounds bounds;
    private final AtomicLong held = new AtomicLong();
    private final int maxMessage;
    /** Where clients may compress messages. */
    private final OptionalInt compressionLevel;

    private final LimitMeter tooSlow;
    private final LimitMeter tooMany;
    private final LimitMeter tooManyLines;

    /**
     * What requests may cost.
     *
     * @param timeout how long one may take to arrive, and its answer to be taken
     * @param maxLines header lines of one, those of a trailer included
     * @param maxPipelined requests of one connection that are not answered
     * @param maxHeld bytes of those that wait for the answer to the one before, per connection
     * @param maxHeldByPod the same of all connections
     */
    record Bounds(Duration timeout, int maxLines, int maxPipelined, long maxHeld, long maxHeldByPod) {}

    /** What Quarkus has configured; the same limits hold with TLS and without. */
    private volatile HttpServerOptions options = new HttpServerOptions();

    @Inject
    RequestLimiter(SluiceConfig config, @ConfigProperty(name = HTTP2) boolean http2, MeterRegistry metrics) {
        this(
                new Bounds(
                        config.http().requestTimeout(),
                        config.http().headerLines(),
                        config.http().pipelinedRequests(),
                        config.limits().inboundBytesPerConnection().asLongValue(),
                        config.limits().inboundBytes().asLongValue() / 2),
                (int) Math.min(Integer.MAX_VALUE - 1, config.maxFrame().asLongValue()),
                config.compression().enabled()
                        ? OptionalInt.of(config.compression().level())
                        : OptionalInt.empty(),
                metrics);
        if (http2) {
            throw new ConfigurationException(HTTP2 + " must be false, is true: WebSockets are served over HTTP/1.1, and"
                    + " Sluice's limits on requests do not hold for HTTP/2");
        }
    }

    RequestLimiter(Bounds bounds, int maxMessage, OptionalInt compressionLevel, MeterRegistry metrics) {
        this.bounds = bounds;
        this.maxMessage = maxMessage;
        this.compressionLevel = compressionLevel;
        this.tooSlow = new LimitMeter("request-timeout", metrics);
        this.tooMany = new LimitMeter("pipelined-requests", metrics);
        this.tooManyLines = new LimitMeter("header-lines", metrics);
    }

    @Override
    public void customizeHttpServer(HttpServerOptions configured) {
        options = configured;
    }

    @Override
    public void customizeHttpsServer(HttpServerOptions configured) {
        options = configured;
    }

    /** Cuts the connection off when its time is up, unless the result is cancelled. */
    Future<?> deadline(Channel channel) {
        return channel.eventLoop()
                .schedule(
                        () -> {
                            tooSlow.exceeded();
                            TcpChannel.cut(channel);
                        },
                        bounds.timeout().toNanos(),
                        TimeUnit.NANOSECONDS);
    }

    /** Bounds the number of header lines. To be called before the decoder is given any bytes. */
    void boundHeaders(ChannelPipeline pipeline) {
        ChannelHandlerContext decoder = pipeline.context(HttpRequestDecoder.class);
        pipeline.replace(
                decoder.handler(),
                decoder.name(),
                new BoundedRequestDecoder(options, bounds.maxLines(), tooManyLines::exceeded));
    }

    /**
     * Lets clients compress messages, where that is configured, and bounds what a message may become. Vert.x, which would let
     * 32 KB become 32 MB, does not do so itself where Quarkus has no extension for WebSockets.
     */
    void allowCompression(ChannelPipeline pipeline) {
        if (pipeline.get(WebSocketServerExtensionHandler.class) != null) {
            pipeline.remove(WebSocketServerExtensionHandler.class);
        }
        if (compressionLevel.isPresent()) {
            PerMessageDeflateServerExtensionHandshaker deflate = new PerMessageDeflateServerExtensionHandshaker(
                    compressionLevel.getAsInt(),
                    ZlibCodecFactory.isSupportingWindowSizeAndMemLevel(),
                    PerMessageDeflateServerExtensionHandshaker.MAX_WINDOW_SIZE,
                    false,
                    false,
                    maxMessage + 1);
            // Vert.x's own handler is the last.
            pipeline.addBefore(pipeline.lastContext().name(), null, new WebSocketServerExtensionHandler(deflate));
        }
    }

    /** How many requests of one connection may be unanswered. */
    int maxPipelined() {
        return bounds.maxPipelined();
    }

    /** How many bytes one connection may have waiting for the answer to an earlier request. */
    long maxHeld() {
        return bounds.maxHeld();
    }

    /** Charges the pod for what waits; false where that is more than it may be. */
    boolean hold(int bytes) {
        return held.addAndGet(bytes) <= bounds.maxHeldByPod();
    }

    /** Gives back what was charged. */
    void release(int bytes) {
        held.addAndGet(-bytes);
    }

    /** Cuts off a connection that asks on and on without awaiting an answer. */
    void cutPipelining(Channel channel) {
        tooMany.exceeded();
        TcpChannel.cut(channel);
    }
}
