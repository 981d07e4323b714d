package dev.sluice.wire;

import dev.sluice.guard.TurnScheduler;
import dev.sluice.outbox.Disconnect;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CorruptedWebSocketFrameException;
import io.netty.handler.codec.http.websocketx.PingWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PongWebSocketFrame;
import io.netty.handler.codec.http.websocketx.Utf8FrameValidator;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import io.netty.util.ReferenceCountUtil;
import io.vertx.core.Handler;
import io.vertx.core.buffer.Buffer;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The frames that arrive on one WebSocket. It passes on one message at a time, the next one when that has been handled, and
 * keeps the others as they came, within {@link InboundBudget} and {@link FrameRate}; over its share, the connection is not
 * read until a message has been handled. What it passes on goes through Vert.x, which knows of the close hand-shake, and
 * comes back to {@link #handle}. Once a close frame has been sent, only the peer's is still passed on. Confined to the
 * connection's event loop.
 */
public final class Inbound extends Utf8FrameValidator implements Handler<io.vertx.core.http.WebSocketFrame> {

    static final String NAME = "sluice-inbound";

    /** Messages a client may send behind its auth message before that is answered. */
    public static final int MAX_HELD = 64;

    /** Frames, and bytes, that are read and dropped after a close frame was sent: the peer may have been sending. */
    private static final int MAX_DROPPED = 256;

    private static final int MAX_DROPPED_BYTES = 256 * 1024;

    private final Channel channel;
    private final FrameRate rate;
    private final InboundBudget budget;
    private final TurnScheduler scheduler;
    private @Nullable ChannelHandlerContext context;
    private @Nullable Peer peer;

    /** Why the connection ends, for a peer that is not there yet. */
    private @Nullable Consumer<Peer> end;

    private boolean authenticated;

    /** In bytes. */
    private long maxMessage;

    /** As {@link FrameRate} has it. */
    private long arrival;

    private WaitingFrames waiting = WaitingFrames.NONE;

    /** There only while a message in fragments is unfinished. */
    private @Nullable UnfinishedMessage fragments;

    /** What has been passed on of a message whose last fragment has not. */
    private @Nullable Buffer begun;

    /** Whether the message that is passed on is text. */
    private boolean text;

    /** Bytes charged for frames that wait or are passed on, and for a frame of which a part has arrived. */
    private int frames;

    private int partial;

    private boolean scheduled;
    private boolean handling;

    /** Charged for what has been passed on and is not handled. */
    private int passedOn;

    private boolean decoded;
    private int undecoded;

    /** Whether a part of a message has arrived and its end has not, and since when that, or reading, has gone on. */
    private boolean unfinished;

    private long unfinishedSince;
    private boolean stopped;
    private boolean inboundFull;
    private boolean paused;
    private int dropped;
    private long droppedBytes;

    /** Who the messages are for; called on the event loop. */
    public interface Peer {
        /** The client has sent a message. */
        void text(String message);

        /** The client has sent a binary message. */
        void binary();

        /** The client has sent a close frame, which has been answered. */
        void left();

        /** Something unexpected, or against the protocol, makes the connection unusable. */
        void failed(Disconnect reason, Throwable cause);

        /** The client has sent a frame, whatever that says. */
        void heard();

        /** Whether it takes a message now; {@link Inbound#proceed} is to be called when it does again. */
        boolean takesMessage();

        /** The client has sent a WebSocket ping, which is to be answered. */
        void pinged(byte[] bytes);

        /** The client has sent more frames than it may; nothing that it sends is passed on any more. */
        void flooded();

        /** The client has sent more messages than are kept before it has authenticated; nothing more is passed on. */
        void heldTooMany();

        /** The pod has no room for what the client has sent; nothing more is passed on. */
        void inboundFull();

        /** The client has reset the connection. */
        void reset();
    }

    public Inbound(Channel channel, FrameRate rate, InboundBudget budget, TurnScheduler scheduler) {
        // What it makes of a violation is up to WebSocketChannel.
        super(false);
        this.channel = channel;
        this.rate = rate;
        this.budget = budget;
        this.scheduler = scheduler;
        this.arrival = rate.start();
        this.maxMessage = budget.maxMessage(false);
    }

    /** The one in the pipeline of a WebSocket. */
    static Inbound of(Channel channel) {
        return (Inbound) channel.pipeline().get(NAME);
    }

    @Override
    public void handlerAdded(ChannelHandlerContext added) {
        context = added;
    }

    @Override
    public void channelRead(ChannelHandlerContext from, Object message) {
        if (message instanceof WebSocketFrame frame) {
            try {
                received(frame);
            } catch (CorruptedWebSocketFrameException e) {
                from.pipeline().fireExceptionCaught(e);
            }
        } else {
            from.fireChannelRead(message);
        }
    }

    /** The peer is there: what has arrived, and what will, is for it. */
    public void watch(Peer there) {
        peer = there;
        if (end != null) {
            end.accept(there);
        }
        schedule();
    }

    /** Sets whether the client sends many messages in one, which may then be longer; to be called before the upgrade. */
    void expects(boolean batches) {
        maxMessage = budget.maxMessage(batches);
    }

    /** The client has authenticated. */
    public void authenticated() {
        authenticated = true;
    }

    /** The peer takes messages again. */
    public void proceed() {
        schedule();
        adjustReading();
    }

    /** Charges this turn of the event loop with so many bytes that an answer takes. */
    public void spend(int bytes) {
        scheduler.spend(bytes);
    }

    /** Runs work of the connection, which must have none in the queue, as soon as a turn of the event loop has room for it. */
    public void inTurn(Runnable work) {
        scheduler.add(work);
    }

    /** A frame that has been passed on. */
    @Override
    public void handle(io.vertx.core.http.WebSocketFrame frame) {
        Peer to = Objects.requireNonNull(peer);
        if (frame.isClose()) {
            to.left();
            return;
        }
        if (!frame.isContinuation()) {
            text = frame.isText();
        }
        boolean whole = frame.isFinal();
        try {
            Buffer content = frame.binaryData();
            if (begun != null || !whole) {
                content = Objects.requireNonNullElseGet(begun, Buffer::buffer).appendBuffer(content);
            }
            begun = whole ? null : content;
            if (whole && text) {
                to.text(content.toString());
            } else if (whole) {
                to.binary();
            }
        } catch (Throwable e) {
            begun = null;
            whole = true;
            to.failed(Disconnect.INTERNAL_ERROR, e);
        } finally {
            if (whole) {
                handled();
            }
        }
    }

    /** The connection has failed. */
    void failed(Disconnect reason, Throwable cause) {
        if (peer != null) {
            peer.failed(reason, cause);
        } else if (end == null) {
            end = there -> there.failed(reason, cause);
        }
    }

    /** The connection was reset. */
    void reset() {
        if (peer != null) {
            peer.reset();
        }
    }

    /** Bytes are about to be decoded. */
    void decoding() {
        decoded = false;
    }

    /** So many bytes have been decoded, and where they were no whole frame, wait for the rest of it. */
    void decoded(int bytes) {
        if (stopped) {
            droppedBytes += bytes;
        }
        undecoded = decoded || stopped ? 0 : undecoded + bytes;
        chargePartial(undecoded);
        boolean before = unfinished;
        unfinished = !stopped && (undecoded > 0 || fragments != null);
        if (unfinished && !before) {
            unfinishedSince = System.nanoTime();
        }
        if (!stopped && exceedsPod() && !(authenticated && waits())) {
            rejectInboundFull();
        }
        adjustReading();
    }

    /**
     * Whether the end of a message has been missing for so long, and it is the client that has not sent it; both in
     * nanoseconds, the first of {@link System#nanoTime}.
     */
    public boolean isUnfinishedFor(long now, long nanos) {
        return unfinished && !paused && now - unfinishedSince >= nanos;
    }

    /**
     * A frame has arrived, which is now this object's to release.
     *
     * @throws CorruptedWebSocketFrameException where it makes its message too long
     */
    void received(WebSocketFrame frame) {
        decoded = true;
        if (stopped) {
            drop(frame);
        } else if (frame instanceof CloseWebSocketFrame closing) {
            closing(closing);
        } else if (!admit(1)) {
            frame.release();
            end(Peer::flooded);
        } else {
            if (peer != null) {
                peer.heard();
            }
            if (frame instanceof PingWebSocketFrame) {
                // Vert.x would answer it past the outbox, and so without bound where the client does not read.
                byte[] bytes = ByteBufUtil.getBytes(frame.content());
                frame.release();
                if (peer != null) {
                    peer.pinged(bytes);
                }
            } else if (frame instanceof PongWebSocketFrame) {
                frame.release();
            } else {
                count(frame);
                enqueue(frame);
            }
        }
    }

    /** Whether what the client has sent may count as so many frames more; it is a flood where it may not. */
    public boolean admits(int more) {
        boolean admitted = admit(more);
        if (!admitted) {
            end(Peer::flooded);
        }
        return admitted;
    }

    /** The message that was passed on last has been handled. */
    void handled() {
        if (handling) {
            forgetHandled();
            schedule();
            adjustReading();
        }
    }

    /** A close frame is being sent: from now on nothing but the peer's is passed on. Idempotent. */
    void stop() {
        if (stopped) {
            return;
        }
        stopped = true;
        clearWaiting();
        CloseWebSocketFrame close = pollClose();
        if (close != null) {
            // Later: Vert.x closes the channel when it sees the second of two close frames.
            channel.eventLoop().execute(() -> passOn(close));
        }
        adjustReading();
    }

    /** Whether nothing is passed on any more. */
    boolean isStopped() {
        return stopped;
    }

    /** The connection is closed: nothing is kept. */
    void closed() {
        stopped = true;
        clearWaiting();
        ReferenceCountUtil.release(pollClose());
        chargePartial(0);
        if (handling) {
            forgetHandled();
        } else {
            charge(-passedOn);
            passedOn = 0;
        }
        begun = null;
    }

    /** Passes on the next message, or what has arrived of it. */
    void passOn() {
        scheduled = false;
        while (!stopped && !handling && !waiting.isEmpty() && peer != null && peer.takesMessage()) {
            WebSocketFrame frame = Objects.requireNonNull(waiting.poll());
            waiting = waiting.rest();
            passedOn += WaitingFrames.cost(frame);
            boolean last = frame.isFinalFragment();
            if (last) {
                handling = true;
                scheduler.spend(passedOn);
            }
            passOn(frame);
            if (last) {
                // The next message waits for its turn.
                break;
            }
        }
        if (!stopped && !handling && waiting.isEmpty()) {
            passOnClose();
        }
        adjustReading();
    }

    private void passOn(WebSocketFrame frame) {
        ChannelHandlerContext from = Objects.requireNonNull(context);
        try {
            // Only now: text that is dropped, or waits, is not worth the time.
            super.channelRead(from, frame);
        } catch (Exception e) {
            from.pipeline().fireExceptionCaught(e);
        }
        // Until then Vert.x does not flush what it writes.
        from.fireChannelReadComplete();
    }

    private void passOnClose() {
        CloseWebSocketFrame close = pollClose();
        if (close != null) {
            passOn(close);
        }
    }

    private @Nullable CloseWebSocketFrame pollClose() {
        CloseWebSocketFrame close = waiting.pollClose();
        waiting = waiting.rest();
        return close;
    }

    private void clearWaiting() {
        charge(-waiting.clear());
        waiting = waiting.rest();
    }

    private void count(WebSocketFrame frame) {
        if (fragments == null && !frame.isFinalFragment()) {
            fragments = new UnfinishedMessage(maxMessage);
        }
        if (fragments != null) {
            fragments.add(frame);
        } else {
            UnfinishedMessage.check(frame, frame.content().readableBytes(), maxMessage);
        }
        if (frame.isFinalFragment()) {
            fragments = null;
            // The next one begins anew.
            unfinished = false;
        }
    }

    private boolean admit(int more) {
        arrival = rate.admit(arrival, more);
        return arrival != FrameRate.EXCEEDED;
    }

    private void charge(int bytes) {
        frames += bytes;
        budget.charge(bytes);
    }

    private void chargePartial(int bytes) {
        if (bytes != partial) {
            budget.charge(bytes - partial);
            partial = bytes;
        }
    }

    private void enqueue(WebSocketFrame frame) {
        charge(WaitingFrames.cost(frame));
        waiting = waiting.with(frame);
        if (budget.overflows(frames, maxMessage) || (exceedsPod() && !authenticated)) {
            rejectInboundFull();
        } else {
            schedule();
            adjustReading();
        }
    }

    private void closing(CloseWebSocketFrame frame) {
        waiting = waiting.withClose(frame);
        if (waiting.isEmpty() && !handling) {
            passOnClose();
        } else {
            schedule();
        }
    }

    private void schedule() {
        if (scheduled || handling || stopped || peer == null || (waiting.isEmpty() && !waiting.hasClose())) {
            return;
        }
        if (waiting.isEmpty() || peer.takesMessage()) {
            scheduled = true;
            scheduler.add(this::passOn);
        } else if (!authenticated) {
            awaitAuthentication();
        }
        // Else it waits until the client has read more of its answers.
    }

    private void awaitAuthentication() {
        if (waiting.hasClose()) {
            // The client no longer waits for whatever the answer will be.
            clearWaiting();
            passOnClose();
        } else if (waiting.messages() > MAX_HELD) {
            end(Peer::heldTooMany);
        }
    }

    private void rejectInboundFull() {
        inboundFull = true;
        budget.refused();
        end(Peer::inboundFull);
    }

    private void end(Consumer<Peer> why) {
        if (stopped) {
            return;
        }
        stop();
        if (peer != null) {
            why.accept(peer);
        } else {
            end = why;
        }
    }

    private void drop(WebSocketFrame frame) {
        if (frame instanceof CloseWebSocketFrame) {
            passOn(frame);
            return;
        }
        dropped++;
        frame.release();
        adjustReading();
    }

    private void forgetHandled() {
        handling = false;
        charge(-passedOn);
        passedOn = 0;
    }

    /** Whether something waits that is handled sooner or later, whatever else arrives. */
    private boolean waits() {
        return handling || !waiting.isEmpty();
    }

    private boolean exceedsPod() {
        return budget.exceedsPod(frames, partial, fragments == null ? 0 : fragments.charged(), authenticated);
    }

    /** Reads on, or no longer: input that is not read costs the client's memory, and it can't send more. */
    private void adjustReading() {
        boolean pause = stopped
                ? inboundFull || dropped >= MAX_DROPPED || droppedBytes >= MAX_DROPPED_BYTES
                : waits() && (budget.isFull(frames) || exceedsPod());
        if (pause != paused) {
            paused = pause;
            unfinishedSince = System.nanoTime();
            channel.config().setAutoRead(!pause);
        }
    }
}
