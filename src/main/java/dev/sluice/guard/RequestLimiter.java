package dev.sluice.guard;

import dev.sluice.config.CommandFrameLimit;
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

/** Holds the limits of HTTP connections, and closes connections that exceed one. Thread-safe. */
@Startup
@Singleton
final class RequestLimiter implements HttpServerOptionsCustomizer {

    private static final String HTTP2 = "quarkus.http.http2";

    private final Bounds bounds;
    private final AtomicLong held = new AtomicLong();
    private final int maxMessage;
    /** Empty if clients may not compress messages. */
    private final OptionalInt compressionLevel;

    private final LimitMeter tooSlow;
    private final LimitMeter tooMany;
    private final LimitMeter tooManyLines;

    /**
     * The limits of requests.
     *
     * @param timeout for the arrival of a request, and for the client to read the response
     * @param maxLines header and trailer lines of a request
     * @param maxPipelined unanswered requests of one connection
     * @param maxHeld bytes of the queued requests of one connection
     * @param maxHeldByPod bytes of the queued requests of all connections
     */
    record Bounds(Duration timeout, int maxLines, int maxPipelined, long maxHeld, long maxHeldByPod) {}

    /** The server options of Quarkus, which has the same limits with and without TLS. */
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
                (int) Math.min(Integer.MAX_VALUE - 1, CommandFrameLimit.of(config)),
                config.compression().enabled()
                        ? OptionalInt.of(config.compression().level())
                        : OptionalInt.empty(),
                metrics);
        if (http2) {
            throw new ConfigurationException(HTTP2 + " must be false, is true: WebSockets are served over HTTP/1.1, and"
                    + " Sluice's limits on requests do not apply to HTTP/2");
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

    /** Closes the connection after the timeout, unless the caller cancels the result. */
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

    /** Limits the number of header lines. To be called before the decoder gets any bytes. */
    void boundHeaders(ChannelPipeline pipeline) {
        ChannelHandlerContext decoder = pipeline.context(HttpRequestDecoder.class);
        pipeline.replace(
                decoder.handler(),
                decoder.name(),
                new BoundedRequestDecoder(options, bounds.maxLines(), tooManyLines::exceeded));
    }

    /**
     * Enables compression of messages, if configured, with a limit on the decompressed size, which Vert.x lacks: it
     * would expand 32 KB to 32 MB. Replaces Vert.x's own handler.
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
            // Vert.x's own handler must stay last.
            pipeline.addBefore(pipeline.lastContext().name(), null, new WebSocketServerExtensionHandler(deflate));
        }
    }

    /** The maximum number of unanswered requests of one connection. */
    int maxPipelined() {
        return bounds.maxPipelined();
    }

    /** The maximum bytes of the queued requests of one connection. */
    long maxHeld() {
        return bounds.maxHeld();
    }

    /** Charges the pod for queued bytes; returns false if the limit is exceeded. */
    boolean hold(int bytes) {
        return held.addAndGet(bytes) <= bounds.maxHeldByPod();
    }

    /** Refunds bytes charged by {@link #hold}. */
    void release(int bytes) {
        held.addAndGet(-bytes);
    }

    /** Closes a connection with too many unanswered requests, and counts it. */
    void cutPipelining(Channel channel) {
        tooMany.exceeded();
        TcpChannel.cut(channel);
    }
}
