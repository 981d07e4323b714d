package dev.sluice.bench.load;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The event loop of clients and publishers. Only its thread uses their state; other threads submit tasks and wait. */
public final class ClientLoop implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int CLIENTS_PER_ADDRESS = 20_000;

    private final MultiThreadIoEventLoopGroup group = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final EventLoop loop = group.next();

    /** All connections. Those that are opened after its close are closed at once. */
    private final ChannelGroup connections = new DefaultChannelGroup(loop, true);

    public EventLoop eventLoop() {
        return loop;
    }

    /**
     * The address from which the client with this number connects. Each of the loopback interface has some 28,000 ports for
     * connections to the same server.
     */
    static InetSocketAddress source(int client) {
        byte[] address = {127, 0, 0, (byte) (1 + client / CLIENTS_PER_ADDRESS)};
        try {
            return new InetSocketAddress(InetAddress.getByAddress(address), 0);
        } catch (UnknownHostException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A bootstrap for connections on this loop. */
    public Bootstrap bootstrap() {
        return new Bootstrap()
                .group(loop)
                .channelFactory(this::connection)
                .option(ChannelOption.TCP_NODELAY, true)
                // Otherwise a port of a source address would serve one connection only.
                .option(EpollChannelOption.IP_BIND_ADDRESS_NO_PORT, true)
                // A close resets the connection, so that no port stays in TIME_WAIT.
                .option(ChannelOption.SO_LINGER, 0);
    }

    /** Runs the task on the loop, and returns when it is done. */
    public void run(Runnable onLoop) {
        call(() -> {
            onLoop.run();
            return null;
        });
    }

    /** Calls the function on the loop, and returns its result. */
    public <T> T call(Callable<T> onLoop) {
        CompletableFuture<T> result = new CompletableFuture<>();
        loop.execute(() -> {
            try {
                result.complete(onLoop.call());
            } catch (Exception e) {
                result.completeExceptionally(e);
            }
        });
        return await(result, PATIENCE);
    }

    /** Waits for a result that the loop completes. */
    static <T> T await(CompletableFuture<T> future, Duration patience) {
        try {
            return future.get(patience.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IllegalStateException failure
                    ? failure
                    : new IllegalStateException("the clients: " + reasons(e.getCause()), e.getCause());
        } catch (TimeoutException e) {
            throw new IllegalStateException("the clients are still busy after " + patience.toSeconds() + " s", e);
        } catch (InterruptedException e) {
            throw new IllegalStateException("interrupted", e);
        }
    }

    /** The failure and what it was caused by: Netty's says only that a channel could not be made. */
    private static String reasons(Throwable failure) {
        return Stream.iterate(failure, Objects::nonNull, Throwable::getCause)
                .map(Throwable::toString)
                .collect(Collectors.joining(", caused by "));
    }

    private Channel connection() {
        Channel connection = new EpollSocketChannel();
        connections.add(connection);
        return connection;
    }

    /**
     * Resets all connections. The event loop does not always do that itself: if it is about to end a round when it is told
     * to shut down, it ends without closing anything, and the files stay open.
     */
    @Override
    public void close() {
        run(connections::close);
        group.shutdownGracefully(0, PATIENCE.toSeconds(), TimeUnit.SECONDS).syncUninterruptibly();
    }
}
