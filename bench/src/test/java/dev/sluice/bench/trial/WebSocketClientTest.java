package dev.sluice.bench.trial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.bench.trial.Protocol.SluiceProtocol;
import dev.sluice.harness.Ports;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketServerProtocolConfig;
import io.netty.handler.codec.http.websocketx.WebSocketServerProtocolHandler;
import io.netty.handler.codec.http.websocketx.WebSocketServerProtocolHandler.HandshakeComplete;
import io.netty.util.ReferenceCountUtil;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Tests that the client knows how its connection ended. */
class WebSocketClientTest {

    private static final long PATIENCE_SECONDS = 20;

    /** Says nothing of its own when it closes. */
    private static final WebSocketServerProtocolConfig SILENT = WebSocketServerProtocolConfig.newBuilder()
            .websocketPath("/ws")
            .sendCloseFrame(null)
            .build();

    private final MultiThreadIoEventLoopGroup group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private InetSocketAddress address;

    @AfterEach
    void stop() {
        group.shutdownGracefully(0, PATIENCE_SECONDS, TimeUnit.SECONDS).syncUninterruptibly();
    }

    @Test
    void endingNamesTheCloseCode() {
        onceOpen(context -> context.writeAndFlush(new CloseWebSocketFrame(1012, "going away")));

        assertEquals("1012", ending());
    }

    @Test
    void endingNamesAMissingCloseFrame() {
        onceOpen(ChannelHandlerContext::close);

        assertEquals("the connection ended without a close frame", ending());
    }

    @Test
    void endingNamesTheStatusOfARefusedUpgrade() {
        FullHttpResponse refusal =
                new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.SERVICE_UNAVAILABLE);
        HttpUtil.setContentLength(refusal, 0);
        onRequest(context -> context.writeAndFlush(refusal));

        String ending = ending();

        assertTrue(ending.contains("503"), ending);
    }

    @Test
    void endingNamesAnUnansweredUpgrade() {
        onRequest(ChannelHandlerContext::close);

        assertEquals("the connection ended before the upgrade", ending());
    }

    @Test
    void endingNamesARefusedConnection() {
        address = new InetSocketAddress(InetAddress.getLoopbackAddress(), Ports.free());

        String ending = ending();

        assertTrue(ending.contains("refused"), ending);
    }

    private void onceOpen(Consumer<ChannelHandlerContext> action) {
        serve(pipeline ->
                pipeline.addLast(new WebSocketServerProtocolHandler(SILENT), new ChannelInboundHandlerAdapter() {
                    @Override
                    public void userEventTriggered(ChannelHandlerContext context, Object event) {
                        if (event instanceof HandshakeComplete) {
                            action.accept(context);
                        }
                    }
                }));
    }

    private void onRequest(Consumer<ChannelHandlerContext> action) {
        serve(pipeline -> pipeline.addLast(new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext context, Object request) {
                ReferenceCountUtil.release(request);
                action.accept(context);
            }
        }));
    }

    private void serve(Consumer<ChannelPipeline> handlers) {
        Channel server = new ServerBootstrap()
                .group(group)
                .channel(NioServerSocketChannel.class)
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline().addLast(new HttpServerCodec(), new HttpObjectAggregator(1024));
                        handlers.accept(channel.pipeline());
                    }
                })
                .bind(InetAddress.getLoopbackAddress(), 0)
                .syncUninterruptibly()
                .channel();
        address = (InetSocketAddress) server.localAddress();
    }

    private String ending() {
        CompletableFuture<String> ending = new CompletableFuture<>();
        WebSocketClient client = new WebSocketClient(SluiceProtocol.V1) {
            @Override
            void opened(Channel channel) {
                // It has nothing to say.
            }

            @Override
            void heard(String message) {
                throw new AssertionError(message);
            }

            @Override
            void ended(String how) {
                ending.complete(how);
            }
        };
        client.begin(new Bootstrap().group(group).channel(NioSocketChannel.class), address);
        return ending.orTimeout(PATIENCE_SECONDS, TimeUnit.SECONDS).join();
    }
}
