package dev.sluice.bench.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.netty.channel.Channel;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class ClientLoopTest {

    /** Longer than a close takes to tell the event loop that it shuts down. */
    private static final Duration BUSY = Duration.ofMillis(300);

    @Test
    void clientsBeyondThePortsOfOneAddressConnectFromTheNext() throws IOException {
        try (ServerSocket server = new ServerSocket(0, 2, InetAddress.getLoopbackAddress());
                ClientLoop clients = new ClientLoop()) {
            for (int client : new int[] {0, 39_999}) {
                clients.bootstrap()
                        .handler(new ChannelInboundHandlerAdapter())
                        .localAddress(ClientLoop.source(client))
                        .connect(server.getLocalSocketAddress())
                        .syncUninterruptibly();
                try (Socket accepted = server.accept()) {
                    assertEquals(
                            client == 0 ? "127.0.0.1" : "127.0.0.2",
                            accepted.getInetAddress().getHostAddress());
                }
            }
        }
    }

    @Test
    void connectionsAreClosedWithALoopThatIsBusyMeanwhile() throws IOException, InterruptedException {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            ClientLoop clients = new ClientLoop();
            Channel connection = clients.bootstrap()
                    .handler(new ChannelInboundHandlerAdapter())
                    .connect(server.getLocalSocketAddress())
                    .syncUninterruptibly()
                    .channel();
            CountDownLatch busy = new CountDownLatch(1);
            clients.eventLoop().execute(() -> {
                busy.countDown();
                long until = System.nanoTime() + BUSY.toNanos();
                while (!clients.eventLoop().isShuttingDown() && System.nanoTime() < until) {
                    Thread.onSpinWait();
                }
            });
            busy.await();
            clients.close();

            assertFalse(connection.isOpen());
        }
    }
}
