package dev.sluice.guard;

import dev.sluice.config.SluiceConfig;
import dev.sluice.log.LimitMeter;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.channel.ServerChannel;
import io.netty.channel.SingleThreadEventLoop;
import io.netty.util.concurrent.EventExecutor;
import io.quarkus.runtime.Startup;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.quarkus.vertx.http.HttpServer;
import io.quarkus.vertx.http.HttpServerStart;
import io.quarkus.vertx.http.HttpsServerStart;
import io.vertx.core.Vertx;
import io.vertx.core.impl.VertxInternal;
import jakarta.enterprise.event.ObservesAsync;
import jakarta.inject.Singleton;
import java.net.InetSocketAddress;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicInteger;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/**
 * Limits the number of TCP connections from clients at accept, before any byte is read, and starts the deadline for the
 * first request. Quarkus counts connections only after the TLS handshake, and has only an idle timeout, which a client
 * that sends a byte now and then never reaches.
 */
@Startup
@Singleton
public final class AcceptLimiter {

    /** The maximum bytes of one read from the socket. */
    public static final int MAX_READ = 8 * 1024;

    private static final String NAME = "sluice-accept-limiter";

    /** Extra connections for refused upgrades and HTTP API requests. */
    private static final int SPARE = 100;

    /**
     * An incomplete frame or request retains its read buffer, which with Netty's default can be 64 KB for one byte. One
     * read per event loop iteration, instead of sixteen, lets deliveries run between the reads of flooding clients.
     */
    private static final RecvByteBufAllocator SMALL_READS =
            new AdaptiveRecvByteBufAllocator(64, 2048, MAX_READ).maxMessagesPerRead(1);

    /**
     * The socket receive buffer in bytes; Linux doubles it for bookkeeping. By default the buffer of a flooding client
     * grows to the maximum of net.ipv4.tcp_rmem, which is megabytes.
     */
    private static final int KERNEL_BUFFER = 64 * 1024;

    private static final String MAX_CONNECTIONS = "quarkus.http.limits.max-connections";

    private final Vertx vertx;
    private final HttpServer server;
    private final int max;
    private final RequestLimiter limits;
    private final AddressLimit addresses;
    private final LimitMeter tooMany;
    private final AtomicInteger open = new AtomicInteger();

    /** Shared by all connections. */
    private final ChannelFutureListener leave = closed -> open.decrementAndGet();

    AcceptLimiter(
            Vertx vertx,
            HttpServer server,
            SluiceConfig config,
            RequestLimiter limits,
            AddressLimit addresses,
            @ConfigProperty(name = MAX_CONNECTIONS) OptionalInt configured,
            MeterRegistry metrics) {
        this.vertx = vertx;
        this.server = server;
        this.limits = limits;
        this.addresses = addresses;
        this.max = max(config.limits().connections(), configured.orElse(0));
        this.tooMany = new LimitMeter("max-connections", metrics);
    }

    /**
     * Returns the configured maximum, or by default 20 % more than the maximum number of WebSockets plus {@link
     * #SPARE}.
     */
    static int max(int webSockets, int configured) {
        if (configured <= 0) {
            return (int) Math.min(Integer.MAX_VALUE, webSockets + webSockets / 5L + SPARE);
        }
        if (configured <= webSockets) {
            throw new ConfigurationException(MAX_CONNECTIONS + " must be greater than sluice.limits.connections: "
                    + configured + " is not more than " + webSockets);
        }
        return configured;
    }

    void listening(@ObservesAsync HttpServerStart start) {
        attach();
    }

    void listeningSecurely(@ObservesAsync HttpsServerStart start) {
        attach();
    }

    private void attach() {
        // A Vert.x internal, because no public API gives access to the listening sockets.
        for (EventExecutor executor : ((VertxInternal) vertx).getAcceptorEventLoopGroup()) {
            if (executor instanceof SingleThreadEventLoop loop) {
                loop.execute(() -> loop.registeredChannelsIterator().forEachRemaining(this::attach));
            }
        }
    }

    private void attach(Channel channel) {
        if (channel instanceof ServerChannel
                && isForClients(channel)
                && channel.pipeline().get(NAME) == null) {
            channel.pipeline().addFirst(NAME, new Acceptor());
        }
    }

    /** Excludes the management port: client connections must not block probes. */
    private boolean isForClients(Channel channel) {
        return channel.localAddress() instanceof InetSocketAddress address
                && (address.getPort() == server.getPort() || address.getPort() == server.getSecurePort());
    }

    private boolean enter() {
        return open.getAndUpdate(before -> before < max ? before + 1 : before) < max;
    }

    @Sharable
    private final class Acceptor extends ChannelInboundHandlerAdapter {

        @Override
        public void channelRead(ChannelHandlerContext context, Object accepted) {
            if (accepted instanceof Channel channel) {
                if (!enter()) {
                    tooMany.exceeded();
                    drop(channel);
                    return;
                }
                if (!addresses.admits(channel)) {
                    open.decrementAndGet();
                    drop(channel);
                    return;
                }
                channel.closeFuture().addListener(leave);
                channel.config().setRecvByteBufAllocator(SMALL_READS).setOption(ChannelOption.SO_RCVBUF, KERNEL_BUFFER);
                channel.pipeline().addLast(new HttpDetector(limits));
            }
            context.fireChannelRead(accepted);
        }

        private static void drop(Channel channel) {
            // The channel is not registered yet, so a normal close would fail.
            channel.unsafe().closeForcibly();
        }
    }
}
