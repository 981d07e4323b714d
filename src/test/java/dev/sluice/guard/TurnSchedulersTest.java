package dev.sluice.guard;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Uses a real event loop, because the class relies on its order of input and tasks. */
class TurnSchedulersTest {

    private static final int UPGRADES = 10;

    @Test
    void inputIsReadBetweenTheTurns() throws Exception {
        List<String> order = new CopyOnWriteArrayList<>();
        CompletableFuture<EventLoop> accepted = new CompletableFuture<>();
        CompletableFuture<Void> lastUpgrade = new CompletableFuture<>();
        EventLoopGroup loops = new NioEventLoopGroup(1);
        try {
            Channel server = new ServerBootstrap()
                    .group(loops)
                    .channel(NioServerSocketChannel.class)
                    .childHandler(new ChannelInitializer<>() {
                        @Override
                        protected void initChannel(Channel channel) {
                            channel.pipeline().addLast(new SimpleChannelInboundHandler<ByteBuf>() {
                                @Override
                                public void channelActive(ChannelHandlerContext context) {
                                    accepted.complete(context.channel().eventLoop());
                                }

                                @Override
                                protected void channelRead0(ChannelHandlerContext context, ByteBuf bytes) {
                                    order.add("input");
                                }
                            });
                        }
                    })
                    .bind(InetAddress.getLoopbackAddress(), 0)
                    .sync()
                    .channel();
            try (Socket client = new Socket(
                    InetAddress.getLoopbackAddress(), ((InetSocketAddress) server.localAddress()).getPort())) {
                EventLoop loop = accepted.get(60, TimeUnit.SECONDS);
                TurnScheduler scheduler = new TurnSchedulers().of(loop);
                loop.submit(() -> {
                            // The byte is in the socket buffer before the first upgrade starts.
                            client.getOutputStream().write(1);
                            for (int i = 1; i <= UPGRADES; i++) {
                                String upgrade = "upgrade " + i;
                                scheduler.add(() -> {
                                    scheduler.spend(TurnScheduler.REQUEST);
                                    order.add(upgrade);
                                    if (order.contains("upgrade " + UPGRADES)) {
                                        lastUpgrade.complete(null);
                                    }
                                });
                            }
                            return null;
                        })
                        .get(60, TimeUnit.SECONDS);
                lastUpgrade.get(60, TimeUnit.SECONDS);
            }
        } finally {
            loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).sync();
        }
        assertThat(order).startsWith("upgrade 1", "input").endsWith("upgrade " + UPGRADES);
    }
}
