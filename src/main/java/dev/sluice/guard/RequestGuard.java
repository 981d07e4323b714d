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
 * Keeps a connection that speaks HTTP from costing more than it should: a request that has begun must have arrived by its
 * deadline, however it drips in, an answer must be taken by its own, and only so many requests may wait. Vert.x gets one
 * request at a time: where a connection ends within a request that it has queued, Vert.x 4.5 throws a NullPointerException
 * and tells nobody that the connection is closed. A WebSocket has limits of its own. Confined to the connection's event loop.
 */
// What is not awaited here ends with the channel at the latest.
@SuppressWarnings("FutureReturnValueIgnored")
final class RequestGuard extends ChannelDuplexHandler {

    private final RequestLimiter limits;

    /** Vert.x's connection, under whose lock it ends a response, on any thread. */
    private final Object vertx;

    private final HeldRequests held;

    /** Runs while a request arrives. */
    private @Nullable Future<?> arriving;

    /** Runs while the kernel has no room for what is answered. */
    private @Nullable Future<?> leaving;

    private boolean understood;

    /** Requests that have been read and not been answered. */
    private int unanswered;

    /** Whether Vert.x has a request that it has not finished. */
    private boolean busy;

    /** Whether this guard has stopped reading; Vert.x does so, too. */
    private boolean paused;

    /** The connection ends with the answer that has been written. */
    private boolean answeredLast;

    /** Data that was read already still arrives, and is ignored. */
    private boolean ignoring;

    /**
     * A guard behind the decoder.
     *
     * @param running the deadline of the first request, where that is still to come
     * @param vertx Vert.x's connection
     */
    RequestGuard(RequestLimiter limits, @Nullable Future<?> running, Object vertx) {
        this.limits = limits;
        this.arriving = running;
        this.vertx = vertx;
        this.held = new HeldRequests(limits);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        understood = true;
        if (ignoring || (message instanceof HttpRequest && !admits(context.channel()))) {
            ReferenceCountUtil.release(message);
        } else if (!held.isEmpty() || (busy && message instanceof HttpRequest)) {
            hold(context.channel(), message);
        } else {
            handOn(context, message);
        }
    }

    /** Refuses a request while earlier answers are unread, so that answers don't accumulate. */
    private boolean admits(Channel channel) {
        if (answeredLast) {
            ignoring = true;
            return false;
        }
        unanswered++;
        // Where a connection ends within a request, the decoder tells of that as of one more.
        boolean isTaken = channel.isWritable() || !channel.isActive();
        if (unanswered > limits.maxPipelined() || !isTaken) {
            cut(channel);
            return false;
        }
        return true;
    }

    /** Keeps what follows an unanswered request, and reads no more of it. */
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

    /** Vert.x would answer such a request as if it were HTTP/1.1: it looks at the version only to serve WebSockets by itself. */
    private void refuseVersion(ChannelHandlerContext context) {
        ignoring = true;
        FullHttpResponse refusal =
                new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.NOT_IMPLEMENTED);
        HttpUtil.setContentLength(refusal, 0);
        HttpUtil.setKeepAlive(refusal, false);
        context.writeAndFlush(refusal).addListener(ChannelFutureListener.CLOSE);
    }

    /** Hands on the next request, once Vert.x has finished the one before and the client has taken the answer. */
    private void proceed(ChannelHandlerContext context) {
        if (held.isEmpty()) {
            return;
        }
        Channel channel = context.channel();
        // Before Vert.x is handed what may make it pause.
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
        // Until then Vert.x does not flush what it writes.
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
        if (!understood && arriving == null && held.isEmpty()) {
            // Bytes have come, and they are no whole request yet.
            arriving = limits.deadline(context.channel());
        }
        understood = false;
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
            // It was decoded as HTTP, and what follows an upgrade is not HTTP.
            cut(context.channel());
        }
        context.pipeline().remove(this);
    }

    /** Proceeds when Vert.x, which is ending the response on this thread or another, has asked the loop to finish it. */
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
