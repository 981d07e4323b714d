package dev.sluice.feed;

import io.netty.channel.ChannelPipeline;
import io.vertx.core.Vertx;
import io.vertx.core.impl.CloseFuture;
import io.vertx.core.impl.VertxInternal;
import io.vertx.core.impl.VertxWrapper;
import io.vertx.core.net.NetClient;
import io.vertx.core.net.NetClientOptions;
import io.vertx.core.net.impl.NetClientImpl;
import java.util.function.Consumer;

/**
 * Wraps a Vert.x and adds a handler to each connection that its TCP clients make. So Sluice can read the bytes of a
 * Redis client's connections, for which there is no public way.
 */
final class DecodingVertx extends VertxWrapper {

    private final Consumer<ChannelPipeline> initializer;

    /**
     * Creates a wrapper.
     *
     * @param initializer told of each new connection's pipeline, before the handler of Vert.x is added at its end
     */
    DecodingVertx(Vertx vertx, Consumer<ChannelPipeline> initializer) {
        super((VertxInternal) vertx);
        this.initializer = initializer;
    }

    @Override
    public NetClient createNetClient(NetClientOptions options) {
        CloseFuture closing = new CloseFuture();
        NetClientImpl client = new NetClientImpl(delegate, null, options, closing) {
            @Override
            protected void initChannel(ChannelPipeline pipeline) {
                super.initChannel(pipeline);
                initializer.accept(pipeline);
            }
        };
        closing.add(client);
        return client;
    }
}
