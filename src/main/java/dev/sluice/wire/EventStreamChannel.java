package dev.sluice.wire;

import dev.sluice.guard.ConnectionSlots;
import dev.sluice.guard.RequestGuard;
import dev.sluice.guard.Slot;
import dev.sluice.guard.TcpChannel;
import dev.sluice.guard.TurnScheduler;
import dev.sluice.outbox.Disconnect;
import dev.sluice.span.Span;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.HttpContentCompressor;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpResponseEncoder;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.timeout.IdleStateHandler;
import io.netty.util.ReferenceCountUtil;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.io.IOException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The TCP connection of a response that is a stream of events. Vert.x writes its head and its end; the chunks between are
 * written past the encoder. The connection ends with the response. Confined to the connection's event loop.
 */
// The ignored futures complete when the Netty channel closes, at the latest.
@SuppressWarnings("FutureReturnValueIgnored")
public final class EventStreamChannel extends ChannelInboundHandlerAdapter
        implements ClientChannel, Slot.Holder, ChannelFutureListener {

    /** The owner of the stream; called on the event loop. */
    public interface Owner extends WebSocketChannel.Owner {
        /** The client has closed the connection. */
        void left();

        /** The client has reset the connection. */
        void failed(Disconnect reason);
    }

    private final Channel channel;
    private final HttpServerResponse response;
    private final TurnScheduler scheduler;
    private final Slot slot;
    private @Nullable ChannelHandlerContext encoder;
    private @Nullable Owner owner;
    private Span span = Span.NONE;
    private boolean reset;

    EventStreamChannel(Channel channel, HttpServerResponse response, ConnectionSlots slots, TurnScheduler scheduler) {
        this.channel = channel;
        this.response = response;
        this.scheduler = scheduler;
        this.slot = new Slot(slots, this);
        channel.closeFuture().addListener(this);
    }

    public boolean isOpen() {
        return channel.isActive();
    }

    /**
     * Sends the head of the response, whose headers are set, and the first bytes of its body. When that is done, events
     * can be written.
     */
    public Future<Void> begin(HttpServerRequest request, String first) {
        ChannelPipeline pipeline = channel.pipeline();
        // A stream is not an answer that takes too long.
        RequestGuard.leave(channel);
        ChannelHandler idle = pipeline.get(IdleStateHandler.class);
        if (idle != null) {
            pipeline.remove(idle);
        }
        // Vert.x's own handler is the last.
        pipeline.addBefore(pipeline.lastContext().name(), null, this);
        encoder = pipeline.context(HttpResponseEncoder.class);
        if (pipeline.get(HttpContentCompressor.class) != null) {
            // Data that bypasses the encoder can't be compressed.
            response.putHeader(HttpHeaders.CONTENT_ENCODING, HttpHeaders.IDENTITY);
        }
        request.resume();
        return response.putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE)
                .setChunked(true)
                .write(Buffer.buffer(first))
                // Otherwise the stream would keep the headers, with a token or cookie, until its end.
                .onSuccess(written -> request.headers().clear());
    }

    /** The request gets no stream, so the connection may serve other requests. */
    public void refused() {
        channel.closeFuture().removeListener(this);
        slot.leave();
    }

    /** The stream has begun. Reports its end to the owner, at once if it is closed. */
    public void opened(Owner by) {
        owner = by;
        if (channel.closeFuture().isDone()) {
            by.left();
        }
    }

    /** The context at which encoded writes begin. */
    ChannelHandlerContext context() {
        return Objects.requireNonNull(encoder);
    }

    /** Ends the response after everything that was written, and closes the connection. */
    void end() {
        if (response.closed() || response.ended()) {
            cut();
        } else {
            response.end().onComplete(ended -> channel.close());
        }
    }

    /** Closes the connection at once. */
    public void cut() {
        TcpChannel.cut(channel);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof LastHttpContent && !(message instanceof HttpMessage)) {
            // The end of the stream's own request, which has no body.
            context.fireChannelRead(message);
        } else {
            // No other request can be answered on the connection.
            ReferenceCountUtil.release(message);
            cut();
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        reset |= cause instanceof IOException;
        context.fireExceptionCaught(cause);
    }

    @Override
    public void operationComplete(ChannelFuture closed) {
        slot.leave();
        if (owner != null && reset) {
            owner.failed(Disconnect.CONNECTION_RESET);
        }
        if (owner != null) {
            owner.left();
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
    public Slot slot() {
        return slot;
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
    public void authenticated() {}

    /** Clients send no messages. */
    @Override
    public boolean admits(int more) {
        return true;
    }

    @Override
    public void proceed() {}

    @Override
    public void spend(int bytes) {
        scheduler.spend(bytes);
    }

    @Override
    public void inTurn(Runnable work) {
        scheduler.add(work);
    }

    @Override
    public boolean isUnfinishedFor(long now, long nanos) {
        return false;
    }
}
