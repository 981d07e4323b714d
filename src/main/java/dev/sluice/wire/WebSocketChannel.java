package dev.sluice.wire;

import dev.sluice.guard.ConnectionSlots;
import dev.sluice.guard.Slot;
import dev.sluice.guard.TcpChannel;
import dev.sluice.outbox.Disconnect;
import dev.sluice.span.Span;
import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.ChannelPromise;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.compression.DecompressionException;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CorruptedWebSocketFrameException;
import io.netty.handler.codec.http.websocketx.WebSocketCloseStatus;
import io.netty.handler.codec.http.websocketx.WebSocketFrameDecoder;
import io.netty.handler.codec.http.websocketx.WebSocketFrameEncoder;
import io.netty.handler.timeout.IdleStateHandler;
import io.netty.util.ReferenceCountUtil;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.ServerWebSocket;
import java.io.IOException;
import java.util.Objects;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Handles what needs the TCP connection of a WebSocket: one upgrade at a time, its end, its slot, and the close frame
 * after a protocol error. {@link Inbound} is the next handler. After a protocol error, Vert.x alone would close the
 * connection without a close frame. This class closes our half first, and the rest once the peer has closed its half,
 * or after a moment: a kernel that closes a connection with unread input sends a reset, which overtakes the close
 * frame. To be used on the connection's event loop.
 */
// What is not awaited here ends with the Netty channel at the latest.
@SuppressWarnings("FutureReturnValueIgnored")
public final class WebSocketChannel extends ChannelDuplexHandler
        implements ClientChannel, Slot.Holder, ChannelFutureListener, DirectFrameWriter.Closing {

    private static final String NAME = "sluice-websocket";
    private static final int MAX_LINGER_SECONDS = 1;

    /** From the close frame until the connection has ended; longer than an outbox gives its own. */
    private static final int MAX_CLOSING_SECONDS = 2;

    private final Channel channel;
    private final ConnectionSlots slots;

    /** Present only until the client has authenticated, when no more than its address is needed. */
    private @Nullable Slot slot;

    /** The address by which the authenticated client is counted. */
    private @Nullable String address;

    private final Inbound inbound;
    private @Nullable ServerWebSocket socket;
    private @Nullable MultiMap headers;
    private @Nullable ChannelHandlerContext context;
    private boolean upgrading;
    private boolean violated;
    private @Nullable Owner owner;
    private Span span = Span.NONE;

    /** The owner of the WebSocket; called on the event loop. */
    public interface Owner {
        /** The connection is closed. */
        void closed();

        /** The connection must make room for a newer one. */
        void evicted();
    }

    public WebSocketChannel(Channel channel, ConnectionSlots slots, Inbound inbound) {
        this.channel = channel;
        this.slots = slots;
        this.slot = new Slot(slots, this);
        this.inbound = inbound;
    }

    /** Puts the handlers into the Netty channel's pipeline, which has none any more if the channel is closed. */
    static WebSocketChannel install(Channel channel, ConnectionSlots slots, Inbound inbound) {
        ChannelPipeline pipeline = channel.pipeline();
        WebSocketChannel handler = new WebSocketChannel(channel, slots, inbound);
        // Vert.x's own handler is the last; the frame decoder and encoder will come before it.
        ChannelHandlerContext last = pipeline.lastContext();
        if (last != null) {
            pipeline.addBefore(last.name(), NAME, handler);
            pipeline.addAfter(NAME, Inbound.NAME, inbound);
        }
        return handler;
    }

    /** The handler in the Netty channel's pipeline; {@code null} if there is none. */
    static @Nullable WebSocketChannel installedIn(Channel channel) {
        return channel.pipeline().get(NAME) instanceof WebSocketChannel known ? known : null;
    }

    /**
     * Whether an upgrade with that request may begin; false while another is under way or done.
     *
     * @param manyCommands whether the client sends many commands in one frame, which may then be longer
     */
    public boolean begin(HttpServerRequest request, boolean manyCommands) {
        if (upgrading) {
            return false;
        }
        upgrading = true;
        headers = request.headers();
        inbound.expects(manyCommands);
        return true;
    }

    @Override
    public Slot slot() {
        return Objects.requireNonNull(slot);
    }

    @Override
    public Span span() {
        return span;
    }

    @Override
    public void traced(Span as) {
        span = as;
    }

    @Override
    public void authenticated() {
        if (slot != null && slot.isTaken()) {
            address = slot.address();
            slot = null;
        }
        inbound.authenticated();
    }

    @Override
    public boolean admits(int more) {
        return inbound.admits(more);
    }

    @Override
    public void proceed() {
        inbound.proceed();
    }

    @Override
    public void spend(int bytes) {
        inbound.spend(bytes);
    }

    @Override
    public void inTurn(Runnable work) {
        inbound.inTurn(work);
    }

    @Override
    public boolean isUnfinishedFor(long now, long nanos) {
        return inbound.isUnfinishedFor(now, nanos);
    }

    /** The context at which encoded writes begin: that of the frame encoder, which would only pass them on. */
    ChannelHandlerContext context() {
        ChannelHandlerContext encoder = channel.pipeline().context(WebSocketFrameEncoder.class);
        return encoder == null ? Objects.requireNonNull(context) : encoder;
    }

    /** The receiver of frames after the upgrade. */
    public Inbound inbound() {
        return inbound;
    }

    /** Closes the connection at once. */
    public void cut() {
        TcpChannel.cut(channel);
    }

    public boolean isOpen() {
        return channel.isActive();
    }

    /** Sets the WebSocket, to be closed through Vert.x. */
    void becomes(ServerWebSocket webSocket) {
        socket = webSocket;
    }

    /** Vert.x tracks the close handshake; its close frame follows the frames written before. */
    @Override
    public void end(int code, String reason) {
        StandardFrameWriter.close(Objects.requireNonNull(socket), code, reason);
    }

    /** It is a WebSocket. Tells the owner of its end, at once where it is closed. */
    public void opened(Owner by) {
        owner = by;
        if (channel.closeFuture().isDone()) {
            by.closed();
        }
    }

    @Override
    public void handlerAdded(ChannelHandlerContext added) {
        context = added;
        channel.closeFuture().addListener(this);
    }

    @Override
    public void operationComplete(ChannelFuture closed) {
        leaveSlot();
        try {
            // Runs what others have queued, too.
            inbound.closed();
        } finally {
            if (owner != null) {
                owner.closed();
            }
        }
    }

    private void leaveSlot() {
        if (slot != null) {
            slot.leave();
        } else {
            slots.leave(address);
        }
    }

    @Override
    public void execute(Runnable task) {
        channel.eventLoop().execute(task);
    }

    @Override
    public void evicted() {
        if (owner != null) {
            owner.evicted();
        } else {
            cut();
        }
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
        if (headers != null && message instanceof HttpResponse response) {
            if (response.status().equals(HttpResponseStatus.SWITCHING_PROTOCOLS)) {
                upgraded(context.pipeline());
            } else if (response.status().codeClass() != HttpStatusClass.INFORMATIONAL) {
                // Refused, by Sluice or by Vert.x: the client may try again on the same connection.
                headers = null;
                upgrading = false;
                slot().leave();
            }
        }
        context.write(message, promise);
        if (message instanceof CloseWebSocketFrame) {
            inbound.stop();
            // Vert.x limits the time of its own closes only. The answer to a client's may wait behind data that the
            // client does not read.
            Future<?> limit = context.executor().schedule(this::cut, MAX_CLOSING_SECONDS, TimeUnit.SECONDS);
            channel.closeFuture().addListener(closed -> limit.cancel(false));
        }
    }

    /**
     * Forgets after the handshake what only a request needs. Otherwise the WebSocket would keep the request's headers twice
     * until its end, a token or cookie among them.
     */
    private void upgraded(ChannelPipeline pipeline) {
        if (headers != null) {
            headers.clear();
            headers = null;
        }
        // A timer for each connection, which heartbeats would keep from ever firing.
        ChannelHandler idle = pipeline.get(IdleStateHandler.class);
        if (idle != null) {
            pipeline.remove(idle);
        }
        ChannelHandlerContext decoder = pipeline.context(WebSocketFrameDecoder.class);
        if (decoder != null) {
            pipeline.addBefore(decoder.name(), null, PartialFrameCounter.SHARED);
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (violated) {
            ReferenceCountUtil.release(message);
        } else {
            context.fireChannelRead(message);
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        if (cause instanceof IOException) {
            // Netty closes the channel.
            inbound.reset();
            return;
        }
        if (cause instanceof DecompressionException) {
            exceptionCaught(
                    context, new CorruptedWebSocketFrameException(closeStatus(cause), cause.getMessage(), cause));
            return;
        }
        if (cause instanceof CorruptedWebSocketFrameException corrupted && !violated) {
            violated = true;
            if (!inbound.isStopped()) {
                context.writeAndFlush(new CloseWebSocketFrame(corrupted.closeStatus()));
            }
            inbound.stop();
            // It would go on reading, only to drop what comes, byte by byte: megabytes of it keep an event loop busy.
            ChannelHandler decoder = context.pipeline().get(WebSocketFrameDecoder.class);
            if (decoder != null) {
                context.pipeline().remove(decoder);
            }
        }
        // Later: first Vert.x closes the Netty channel, as what the session still writes must not come behind the close
        // frame. Queued before, as the close would name another reason.
        execute(() -> inbound.failed(reason(cause), cause));
        context.fireExceptionCaught(cause);
    }

    private static Disconnect reason(Throwable cause) {
        if (!(cause instanceof CorruptedWebSocketFrameException corrupted)) {
            return Disconnect.INTERNAL_ERROR;
        }
        if (corrupted.closeStatus().equals(WebSocketCloseStatus.MESSAGE_TOO_BIG)) {
            return Disconnect.FRAME_TOO_LARGE;
        }
        return corrupted.closeStatus().equals(WebSocketCloseStatus.INVALID_PAYLOAD_DATA)
                ? Disconnect.INVALID_TEXT
                : Disconnect.PROTOCOL_ERROR;
    }

    private static WebSocketCloseStatus closeStatus(Throwable decompressing) {
        return String.valueOf(decompressing.getMessage()).contains("maximum size")
                ? WebSocketCloseStatus.MESSAGE_TOO_BIG
                : WebSocketCloseStatus.INVALID_PAYLOAD_DATA;
    }

    @Override
    public void close(ChannelHandlerContext context, ChannelPromise promise) {
        if (!violated
                || !(channel instanceof DuplexChannel duplex)
                || !duplex.isActive()
                || duplex.isOutputShutdown()) {
            context.close(promise);
            return;
        }
        duplex.closeFuture().addListener(closed -> promise.trySuccess());
        duplex.shutdownOutput()
                .addListener(shut ->
                        context.executor().schedule(() -> context.close(), MAX_LINGER_SECONDS, TimeUnit.SECONDS));
    }
}
