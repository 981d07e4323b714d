package dev.sluice.guard;

import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.EventExecutor;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * Enforces the limits of one HTTP connection: a deadline for the arrival of each request, a deadline for the client to
 * read each response, and a maximum of pipelined requests. Passes one request at a time to Vert.x, because Vert.x 4.5
 * throws a NullPointerException, and does not call close handlers, when a connection ends within a request that Vert.x
 * has queued. Removes itself on an upgrade. Confined to the connection's event loop.
 */
// The ignored futures complete when the channel closes, at the latest.
@SuppressWarnings("FutureReturnValueIgnored")
public final class RequestGuard extends ChannelDuplexHandler {

    private final RequestLimiter limits;

    /** Vert.x's connection; Vert.x ends a response under its lock, on any thread. */
    private final Object vertx;

    private final HeldRequests held;

    /** The deadline of the request that is arriving. */
    private @Nullable Future<?> arriving;

    /** The deadline for the client to read; set while the channel is not writable. */
    private @Nullable Future<?> leaving;

    /** Whether the decoder has produced a message since the last {@link #channelReadComplete}. */
    private boolean decoded;

    /** The number of requests that have been read and not answered. */
    private int unanswered;

    /** Whether Vert.x is handling a request. */
    private boolean busy;

    /** Whether this guard has paused reading; Vert.x pauses independently. */
    private boolean paused;

    /** Whether the last response has been written, after which the connection closes. */
    private boolean answeredLast;

    /** Whether to discard all further input. */
    private boolean ignoring;

    /**
     * Creates a guard for one connection.
     *
     * @param running the deadline of the first request; {@code null} if there is none
     * @param vertx Vert.x's connection
     */
    RequestGuard(RequestLimiter limits, @Nullable Future<?> running, Object vertx) {
        this.limits = limits;
        this.arriving = running;
        this.vertx = vertx;
        this.held = new HeldRequests(limits);
    }

    /**
     * Removes the guard of a connection whose current answer has no end, if there is one. Cuts the connection if
     * another request waits. To be called on its event loop.
     */
    public static void leave(Channel channel) {
        ChannelHandlerContext context = channel.pipeline().context(RequestGuard.class);
        if (context != null && context.handler() instanceof RequestGuard guard) {
            guard.upgrade(context);
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        decoded = true;
        if (ignoring || (message instanceof HttpRequest && !admits(context.channel()))) {
            ReferenceCountUtil.release(message);
        } else if (!held.isEmpty() || (busy && message instanceof HttpRequest)) {
            hold(context.channel(), message);
        } else {
            handOn(context, message);
        }
    }

    /** Refuses a request while the client does not read earlier responses, so that responses don't accumulate. */
    private boolean admits(Channel channel) {
        if (answeredLast) {
            ignoring = true;
            return false;
        }
        unanswered++;
        // The decoder emits one more request when a connection ends within a request.
        boolean readsResponses = channel.isWritable() || !channel.isActive();
        if (unanswered > limits.maxPipelined() || !readsResponses) {
            cut(channel);
            return false;
        }
        return true;
    }

    /** Queues a message behind an unanswered request, and pauses reading. */
    private void hold(Channel channel, Object message) {
        arriving = stopped(arriving);
        if (held.add(message)) {
            pause(channel);
        } else {
            cut(channel);
        }
    }

    private void handOn(ChannelHandlerContext context, Object message) {
        if (message instanceof LastHttpContent) {
            arriving = stopped(arriving);
        } else if (message instanceof HttpRequest request) {
            if (!isHttp1(request)) {
                refuseVersion(context);
                return;
            }
            busy = true;
            if (arriving == null) {
                arriving = limits.deadline(context.channel());
            }
        }
        context.fireChannelRead(message);
    }

    private static boolean isHttp1(HttpRequest request) {
        return request.protocolVersion().equals(HttpVersion.HTTP_1_1)
                || request.protocolVersion().equals(HttpVersion.HTTP_1_0);
    }

    /**
     * Responds with 501, because Vert.x would handle the request as HTTP/1.1: it checks the version only when it serves
     * WebSockets itself.
     */
    private void refuseVersion(ChannelHandlerContext context) {
        ignoring = true;
        FullHttpResponse refusal =
                new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.NOT_IMPLEMENTED);
        HttpUtil.setContentLength(refusal, 0);
        HttpUtil.setKeepAlive(refusal, false);
        context.writeAndFlush(refusal).addListener(ChannelFutureListener.CLOSE);
    }

    /**
     * Passes the next request to Vert.x once Vert.x has finished the previous one and the client has read the response.
     */
    private void proceed(ChannelHandlerContext context) {
        if (held.isEmpty()) {
            return;
        }
        Channel channel = context.channel();
        // Must come first, because Vert.x may pause when it gets a request.
        resume(channel);
        if (answeredLast) {
            ignoring = true;
            held.clear();
            return;
        }
        while (held.hasRest() || (!busy && channel.isWritable() && !held.isEmpty())) {
            handOn(context, held.remove());
        }
        if (!held.isEmpty()) {
            pause(channel);
        }
        // Vert.x flushes its writes only on this event.
        context.fireChannelReadComplete();
    }

    private void pause(Channel channel) {
        if (channel.config().isAutoRead()) {
            paused = true;
            channel.config().setAutoRead(false);
        }
    }

    private void resume(Channel channel) {
        if (paused) {
            paused = false;
            channel.config().setAutoRead(true);
        }
    }

    private void cut(Channel channel) {
        ignoring = true;
        limits.cutPipelining(channel);
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        if (!decoded && arriving == null && held.isEmpty()) {
            // The first bytes of a request have arrived.
            arriving = limits.deadline(context.channel());
        }
        decoded = false;
        context.fireChannelReadComplete();
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
        if (message instanceof HttpResponse response
                && response.status().codeClass() == HttpStatusClass.INFORMATIONAL) {
            if (response.status().equals(HttpResponseStatus.SWITCHING_PROTOCOLS)) {
                upgrade(context);
            }
        } else {
            if (message instanceof HttpResponse response && !HttpUtil.isKeepAlive(response)) {
                answeredLast = true;
            }
            if (message instanceof LastHttpContent) {
                unanswered--;
                awaitVertx(context);
            }
        }
        context.write(message, promise);
    }

    private void upgrade(ChannelHandlerContext context) {
        stop();
        if (!held.isEmpty()) {
            // These bytes were decoded as HTTP, but data after an upgrade is not HTTP, and no response follows a
            // stream.
            cut(context.channel());
        }
        context.pipeline().remove(this);
    }

    /**
     * Proceeds after Vert.x, which ends the response on any thread under its lock, has submitted its last task to the
     * loop.
     */
    private void awaitVertx(ChannelHandlerContext context) {
        EventExecutor loop = context.executor();
        loop.execute(() -> {
            synchronized (vertx) {
                loop.execute(() -> {
                    busy = false;
                    proceed(context);
                });
            }
        });
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        leaving = stopped(leaving);
        if (context.channel().isWritable()) {
            proceed(context);
        } else {
            leaving = limits.deadline(context.channel());
        }
        context.fireChannelWritabilityChanged();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        stop();
        ignoring = true;
        held.clear();
        context.fireChannelInactive();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        held.clear();
    }

    private void stop() {
        arriving = stopped(arriving);
        leaving = stopped(leaving);
    }

    private static @Nullable Future<?> stopped(@Nullable Future<?> deadline) {
        if (deadline != null) {
            deadline.cancel(false);
        }
        return null;
    }
}
