package dev.sluice.bench.load;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sluice.bench.load.Publication.ChannelName;
import dev.sluice.bench.load.Publication.PublishProtocol;
import dev.sluice.bench.load.Workload.PartlyWanted;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The parts of the load generator: its publications and its event loop. */
class LoadGeneratorTest {

    /** Longer than a close takes to tell the event loop that it shuts down. */
    private static final Duration BUSY = Duration.ofMillis(300);

    private final ChannelName channels = new ChannelName("user:u", 5);

    @Test
    void encodesTheCommandForRedis() {
        assertEquals(
                "*3\r\n$7\r\nPUBLISH\r\n$11\r\nuser:u00042\r\n$40\r\n"
                        + "{\"t\":\"000000000123\",\"p\":\"xxxxxxxxxxxxx\"}\r\n",
                written(new Publication(PublishProtocol.REDIS, channels, 40)));
    }

    @Test
    void shortestPayloadHasTheTimeOnly() {
        assertEquals(
                "*3\r\n$7\r\nPUBLISH\r\n$11\r\nuser:u00042\r\n$20\r\n{\"t\":\"000000000123\"}\r\n",
                written(new Publication(PublishProtocol.REDIS, channels, 20)));
        assertThrows(IllegalArgumentException.class, () -> new Publication(PublishProtocol.REDIS, channels, 21));
    }

    @Test
    void encodesTheRequestForNchan() {
        assertEquals(
                "POST /pub/user:u00042 HTTP/1.1\r\nHost: nchan\r\nContent-Length: 40\r\n\r\n"
                        + "{\"t\":\"000000000123\",\"p\":\"xxxxxxxxxxxxx\"}",
                written(new Publication(PublishProtocol.NCHAN, channels, 40)));
    }

    @Test
    void wantedChannelsTakeTurnsBeforeAllDo() {
        PartlyWanted workload = new PartlyWanted(new Publication(PublishProtocol.REDIS_UNHEARD, channels, 20), 7, 3, 4);
        int[] published = new int[7];
        for (int units = 0; units < 4 + 7 + 2; units++) {
            for (int receiver = 0; receiver < 3; receiver++) {
                assertEquals(
                        published[workload.channel(receiver)], workload.expected(receiver, units), "after " + units);
            }
            ByteBuf out = Unpooled.buffer();
            workload.write(out, units, 0);
            String text = out.toString(StandardCharsets.US_ASCII);
            String channel = "user:u0000";
            published[text.charAt(text.indexOf(channel) + channel.length()) - '0']++;
        }
        // Channels 0, 4 and 1 are wanted; they take turns four times, then all seven and the first two again.
        assertArrayEquals(new int[] {4, 3, 1, 1, 2, 1, 1}, published);
    }

    /** Half of the channels are not the first half, or a pod would sleep half of the time. */
    @Test
    void wantedChannelsAreSpreadEvenly() {
        PartlyWanted workload =
                new PartlyWanted(new Publication(PublishProtocol.REDIS_UNHEARD, channels, 20), 10_000, 2_000, 0);
        int[] inEachHundred = new int[100];
        IntStream.range(0, 2_000).map(workload::channel).distinct().forEach(channel -> inEachHundred[channel / 100]++);

        IntStream.of(inEachHundred).forEach(count -> assertEquals(20, count, 3));
    }

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

    /** Each writes over what the one before has written. */
    private static String written(Publication publication) {
        ByteBuf out = Unpooled.buffer();
        publication.writeTo(out, 99_999, Long.MAX_VALUE);
        out.clear();
        publication.writeTo(out, 42, 123_999);
        return out.toString(StandardCharsets.US_ASCII);
    }
}
