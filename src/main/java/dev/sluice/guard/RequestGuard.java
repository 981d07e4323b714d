package dev.sluice.guard;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a connection that speaks HTTP from costing more than it should: a request that has begun must have arrived by its
 * deadline, however it drips in, an answer must be taken by its own, and only so many requests may wait. A WebSocket has
 * limits of its own. Confined to the connection's event loop.
 */
// What is not awaited here ends with the channel at the latest.
@SuppressWarnings("FutureReturnValueIgnored")
final class RequestGuard extends ChannelDuplexHandler {

    private final RequestLimiter limits;

    /** Runs while a request arrives. */
    private @Nullable Future<?> arriving;

    /** Runs while the kernel has no room for what is answered. */
    private @Nullable Future<?> leaving;

    private boolean understood;
    private int unanswered;

    /** Data that was read already still arrives, and is ignored. */
    private boolean cut;

    /**
     * A guard behind the decoder.
     *
     * @param running the deadline of the first request, where that is still to come
     */
    RequestGuard(RequestLimiter limits, @Nullable Future<?> running) {
        this.limits = limits;
        this.arriving = running;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        understood = true;
        if (cut || (message instanceof HttpRequest && !mayAsk(context))) {
            ReferenceCountUtil.release(message);
            if (!cut) {
                cut = true;
                limits.cutPipelining(context.channel());
            }
            return;
        }
        if (message instanceof LastHttpContent) {
            arriving = stopped(arriving);
        } else if (arriving == null && message instanceof HttpRequest) {
            arriving = limits.deadline(context.channel());
        }
        context.fireChannelRead(message);
    }

    /** Refuses a request while earlier answers are unread, so that answers don't accumulate. */
    private boolean mayAsk(ChannelHandlerContext context) {
        unanswered++;
        // Where a connection ends within a request, the decoder tells of that as of one more.
        boolean isTaken = context.channel().isWritable() || !context.channel().isActive();
        return unanswered <= RequestLimiter.MAX_UNANSWERED && isTaken;
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        if (!understood && arriving == null) {
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
                stop();
                context.pipeline().remove(this);
            }
        } else if (message instanceof LastHttpContent) {
            unanswered--;
        }
        context.write(message, promise);
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        leaving = stopped(leaving);
        if (!context.channel().isWritable()) {
            leaving = limits.deadline(context.channel());
        }
        context.fireChannelWritabilityChanged();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        stop();
        context.fireChannelInactive();
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
