package dev.sluice.feed;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.vertx.core.Vertx;
import io.vertx.core.net.NetClientOptions;
import io.vertx.core.net.NetServer;
import io.vertx.core.net.impl.VertxHandler;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class DecodingVertxTest {

    private final Vertx vertx = Vertx.vertx();

    @AfterEach
    void close() throws Exception {
        vertx.close().toCompletionStage().toCompletableFuture().get(60, TimeUnit.SECONDS);
    }

    @Test
    void handlerSeesTheBytesBeforeVertx() throws Exception {
        NetServer server = vertx.createNetServer()
                .connectHandler(socket -> socket.write("+PONG\r\n"))
                .listen(0, "localhost")
                .toCompletionStage()
                .toCompletableFuture()
                .get(60, TimeUnit.SECONDS);
        CompletableFuture<String> seen = new CompletableFuture<>();
        CompletableFuture<Class<?>> behind = new CompletableFuture<>();
        DecodingVertx decoding = new DecodingVertx(
                vertx,
                pipeline -> pipeline.addLast(new ChannelInboundHandlerAdapter() {
                    @Override
                    public void channelRead(ChannelHandlerContext context, Object message) {
                        seen.complete(((ByteBuf) message).toString(StandardCharsets.US_ASCII));
                        behind.complete(context.pipeline().last().getClass());
                        context.fireChannelRead(message);
                    }
                }));
        decoding.createNetClient(new NetClientOptions()).connect(server.actualPort(), "localhost");
        assertThat(seen.get(60, TimeUnit.SECONDS)).isEqualTo("+PONG\r\n");
        assertThat(behind.get(60, TimeUnit.SECONDS)).isEqualTo(VertxHandler.class);
    }
}
