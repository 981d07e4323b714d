package dev.sluice.bench.load;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInboundHandler;
import java.net.SocketAddress;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/** Lets many clients enter, a bounded number of them at a time, so that none waits longer than a server's patience. */
final class Arrivals {

    private static final int AT_A_TIME = 128;

    private final Bootstrap bootstrap;
    private final SocketAddress server;
    private final List<Session> sessions;
    private final Supplier<? extends ChannelInboundHandler> handlers;
    private final CompletableFuture<Void> done = new CompletableFuture<>();
    private int begun;
    private int entered;

    /** @param handlers gives each client, in the order of the sessions, what handles it once it has entered */
    Arrivals(
            Bootstrap bootstrap,
            SocketAddress server,
            List<Session> sessions,
            Supplier<? extends ChannelInboundHandler> handlers) {
        this.bootstrap = bootstrap;
        this.server = server;
        this.sessions = sessions;
        this.handlers = handlers;
    }

    /** To be called on the event loop. */
    CompletableFuture<Void> begin() {
        for (int i = 0; i < AT_A_TIME; i++) {
            beginNext();
        }
        return done;
    }

    private void beginNext() {
        if (begun == sessions.size()) {
            return;
        }
        CompletableFuture<Channel> entry = new CompletableFuture<>();
        entry.whenComplete((channel, failure) -> ended(failure));
        Entrance entrance = new Entrance(sessions.get(begun++), handlers.get(), entry);
        ChannelFuture connect = bootstrap.clone().handler(entrance).connect(server);
        connect.addListener(connected -> {
            if (!connected.isSuccess()) {
                entry.completeExceptionally(connected.cause());
            }
        });
    }

    private void ended(Throwable failure) {
        if (failure != null) {
            done.completeExceptionally(failure);
        } else if (++entered == sessions.size()) {
            done.complete(null);
        } else {
            beginNext();
        }
    }
}
