package dev.sluice.bench.load;

import dev.sluice.bench.load.Entrance.Session.Format;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandler;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.io.IOException;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Executes the {@link Session} of one connection, then leaves the pipeline to the next handler. */
public final class Entrance extends ChannelInboundHandlerAdapter {

    private static final String END_OF_HEAD = "\r\n\r\n";

    private static final String UPGRADE = """
            Upgrade: websocket\r
            Connection: Upgrade\r
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
            Sec-WebSocket-Version: 13\r
            """;

    private final Session session;
    private final Iterator<Session.Step> steps;
    private final ChannelInboundHandler then;
    private final CompletableFuture<Channel> entered;

    private ByteBuf unread;
    private boolean knocked;
    private boolean upgraded;
    private String expected = "";

    private Entrance(Session session, ChannelInboundHandler then, CompletableFuture<Channel> entered) {
        this.session = session;
        this.knocked = session.knock().isEmpty();
        this.steps = session.steps().iterator();
        this.then = then;
        this.entered = entered;
    }

    /**
     * Connects a client.
     *
     * @param then handles the connection once the session is open
     * @param entered completed on the event loop when the session is open or could not be opened
     */
    static ChannelFuture connect(
            Bootstrap bootstrap,
            SocketAddress server,
            Session session,
            ChannelInboundHandler then,
            CompletableFuture<Channel> entered) {
        ChannelFuture connect =
                bootstrap.clone().handler(new Entrance(session, then, entered)).connect(server);
        connect.addListener(connected -> {
            if (!connected.isSuccess()) {
                entered.completeExceptionally(connected.cause());
            }
        });
        return connect;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        unread = context.alloc().buffer();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        unread.release();
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        if (knocked) {
            enter(context);
        } else {
            ask(context, session.knock(), "");
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) throws IOException {
        ByteBuf in = (ByteBuf) message;
        unread.writeBytes(in);
        in.release();
        while (!context.isRemoved()) {
            String said = !upgraded ? head() : session.format() == Format.EVENTS ? events() : message();
            if (said == null) {
                return;
            }
            hear(context, said);
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        entered.completeExceptionally(new IOException("closed by the server before the session was open"));
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        entered.completeExceptionally(cause);
        context.close();
    }

    private void hear(ChannelHandlerContext context, String said) throws IOException {
        if (upgraded) {
            if (said.contains(expected)) {
                proceed(context);
            }
        } else if (!knocked) {
            knocked = true;
            enter(context);
        } else if (said.startsWith(session.format() == Format.EVENTS ? "HTTP/1.1 200 " : "HTTP/1.1 101 ")) {
            upgraded = true;
            proceed(context);
        } else {
            throw new NotUpgraded(said);
        }
    }

    private void enter(ChannelHandlerContext context) {
        String header = session.header().isEmpty() ? "" : session.header() + "\r\n";
        ask(context, session.path(), session.format() == Format.EVENTS ? header : UPGRADE + header);
    }

    private static void ask(ChannelHandlerContext context, String path, String headers) {
        String request = "GET " + path + " HTTP/1.1\r\nHost: bench\r\n" + headers + "\r\n";
        context.writeAndFlush(Unpooled.copiedBuffer(request, StandardCharsets.US_ASCII));
    }

    /** The head of a response, which has no body; null if it is incomplete. */
    private String head() {
        String text = unread.toString(StandardCharsets.ISO_8859_1);
        int end = text.indexOf(END_OF_HEAD);
        if (end < 0) {
            return null;
        }
        unread.skipBytes(end + END_OF_HEAD.length());
        return text.substring(0, end);
    }

    /** The next message, of at most 64 KB in one frame; null if it is incomplete. */
    private String message() {
        int start = unread.readerIndex();
        int available = unread.readableBytes();
        if (available < 2) {
            return null;
        }
        int length = unread.getByte(start + 1) & 0x7f;
        int header = 2;
        if (length == 126) {
            header = 4;
            if (available < header) {
                return null;
            }
            length = unread.getUnsignedShort(start + 2);
        }
        if (available < header + length) {
            return null;
        }
        unread.skipBytes(header);
        return unread.readCharSequence(length, StandardCharsets.UTF_8).toString();
    }

    /** The events so far; null if the expected one is not among them. */
    private String events() {
        String events = unread.toString(StandardCharsets.UTF_8);
        return events.contains(expected) ? events : null;
    }

    private void proceed(ChannelHandlerContext context) {
        if (steps.hasNext()) {
            Session.Step step = steps.next();
            expected = step.expect();
            if (!step.say().isEmpty()) {
                context.writeAndFlush(Receiver.text(step.say()));
            }
        } else {
            ByteBuf rest = unread.readRetainedSlice(unread.readableBytes());
            context.pipeline().replace(this, null, then);
            context.pipeline().fireChannelRead(rest);
            entered.complete(context.channel());
        }
    }

    /**
     * How a client connects: its request, and the messages that it then sends, one after the other.
     *
     * @param knock the path of a plain request before; empty for none
     * @param path of the WebSocket or stream
     * @param format of the server's messages
     * @param header a line of the request; empty for none
     * @param steps the messages after the connection is open
     */
    public record Session(String knock, String path, Format format, String header, List<Step> steps) {

        /** The format of a server's messages. */
        public enum Format {
            /** WebSocket frames with one publication each. */
            FRAMES,
            /** WebSocket frames of Centrifugo's protocol. */
            REPLIES,
            /** WebSocket frames of Socket.IO's protocol. */
            PACKETS,
            /** Server-sent events. */
            EVENTS
        }

        /**
         * @param say a text message; empty to send nothing
         * @param expect a text that the answer contains; other messages are ignored
         */
        public record Step(String say, String expect) {}
    }

    /** The server has refused the attempt. */
    static final class NotUpgraded extends IOException {

        private static final long serialVersionUID = 1;

        private static final String RETRY_AFTER = "retry-after:";

        private final String head;

        /** @param head of the response */
        NotUpgraded(String head) {
            super("not upgraded: " + head.lines().findFirst().orElse(""));
            this.head = head;
        }

        /** Whether the server is overloaded, and the client may try again. */
        boolean isForNow() {
            return head.startsWith("HTTP/1.1 503 ");
        }

        /** The minimum time that the server asks the client to wait. */
        Duration retryAfter() {
            return head.lines()
                    .filter(line -> line.regionMatches(true, 0, RETRY_AFTER, 0, RETRY_AFTER.length()))
                    .map(line -> Duration.ofSeconds(
                            Long.parseLong(line.substring(RETRY_AFTER.length()).strip())))
                    .findFirst()
                    .orElse(Duration.ZERO);
        }
    }
}
