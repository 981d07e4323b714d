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
 * Sees every TCP connection of clients as soon as it is accepted, before a byte of it is read: lets in so many, and gives each a
 * deadline by which it must have made a request. Quarkus counts connections only once TLS is agreed on, and measures only
 * how long they are idle, which somebody who sends a byte now and then never is.
 */
@Startup
@Singleton
public final class AcceptLimiter {

    /** The most bytes that one read takes from the kernel. */
    public static final int MAX_READ = 8 * 1024;

    private static final String NAME = "sluice-accept-limiter";

    /** Those that are no WebSockets: upgrades that are refused, callers of the HTTP API. */
    private static final int SPARE = 100;

    /**
     * A part of a frame or request keeps the buffer it was read into: 64 KB for a byte with Netty's default. One read a
     * turn of the event loop, not sixteen, lets deliveries in between the reads of clients that flood.
     */
    private static final RecvByteBufAllocator SMALL_READS =
            new AdaptiveRecvByteBufAllocator(64, 2048, MAX_READ).maxMessagesPerRead(1);

    /**
     * Bytes that the kernel keeps of what a client has sent and the pod has not read; Linux takes it twice, for what it needs
     * itself. By default it keeps as much as net.ipv4.tcp_rmem allows, which is megabytes, for a client that floods.
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

    /** One for all connections. */
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

    /** As many as are configured, or where none are, a fifth more than there may be WebSockets. */
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
        // A Vert.x internal; nothing public leads to the sockets that listen.
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

    /** The management port serves probes, which must not wait for clients to leave. */
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
            // Nobody knows of it yet.
            channel.unsafe().closeForcibly();
        }
    }
}
