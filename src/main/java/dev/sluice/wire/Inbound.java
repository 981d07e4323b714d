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
 * The frames that arrive on one WebSocket. It passes on one message at a time, the next one when that has been handled,
 * and keeps the others as they came, within {@link InboundBudget} and {@link FrameRate}; over its share, the connection
 * is not read until a message has been handled. What it passes on goes through Vert.x, which handles the close
 * handshake, and comes back to {@link #handle}. Once a close frame has been sent, only the peer's is still passed on.
 * Confined to the connection's event loop.
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

    /** The end of the connection, for a peer that is set later. */
    private @Nullable Consumer<Peer> end;

    private boolean authenticated;

    /** In bytes. */
    private long maxMessage;

    /** The theoretical arrival time of {@link FrameRate}. */
    private long arrival;

    private WaitingFrames waiting = WaitingFrames.NONE;

    /** Present only while a message in fragments is unfinished. */
    private @Nullable UnfinishedMessage fragments;

    /** The fragments that were passed on of an incomplete message. */
    private @Nullable Buffer begun;

    /** Whether the message that is passed on is text. */
    private boolean text;

    /** Bytes charged for frames that wait or are passed on, and for a frame of which a part has arrived. */
    private int frames;

    private int partial;

    private boolean scheduled;
    private boolean handling;

    /** The bytes charged for the message that is being handled. */
    private int passedOn;

    private boolean decoded;
    private int undecoded;

    /** Whether only a part of a message has arrived. */
    private boolean unfinished;

    /** When the unfinished message began, or reading was resumed; of {@link System#nanoTime}. */
    private long unfinishedSince;

    private boolean stopped;
    private boolean inboundFull;
    private boolean paused;
    private int dropped;
    private long droppedBytes;

    /** The receiver of the messages. Called on the event loop. */
    public interface Peer {
        /** The client has sent a message. */
        void text(String message);

        /** The client has sent a binary message. */
        void binary();

        /** The client has sent a close frame, which has been answered. */
        void left();

        /** Something unexpected, or against the protocol, makes the connection unusable. */
        void failed(Disconnect reason, Throwable cause);

        /**
         * The connection is unusable, because the client has reset it, or has sent more than it may or than the pod has room
         * for; nothing more is passed on.
         */
        void failed(Disconnect reason);

        /** The client has sent a frame of any kind. */
        void heard();

        /** Whether it takes a message now; {@link Inbound#proceed} is to be called when it does again. */
        boolean takesMessage();

        /** The client has sent a WebSocket ping, which is to be answered. */
        void pinged(byte[] bytes);

        /** The client has sent more messages than may wait before it has authenticated; nothing more is passed on. */
        void heldTooMany();
    }

    public Inbound(Channel channel, FrameRate rate, InboundBudget budget, TurnScheduler scheduler) {
        // WebSocketChannel closes the connection after a violation.
        super(false);
        this.channel = channel;
        this.rate = rate;
        this.budget = budget;
        this.scheduler = scheduler;
        this.arrival = rate.start();
        this.maxMessage = budget.maxMessage(false);
    }

    /** Returns the handler in the pipeline of a WebSocket. */
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

    /** Sets whether the client sends many commands in one frame, which may then be longer; to be called before the upgrade. */
    void expects(boolean manyCommands) {
        maxMessage = budget.maxMessage(manyCommands);
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

    /** Charges this turn of the event loop with the bytes of an answer. */
    public void spend(int bytes) {
        scheduler.spend(bytes);
    }

    /** Runs work of the connection, which must have none in the queue, as soon as a turn of the event loop has room for it. */
    public void inTurn(Runnable work) {
        scheduler.add(work);
    }

    /** Handles a frame that comes back from Vert.x. */
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
            peer.failed(Disconnect.CONNECTION_RESET);
        }
    }

    /** Bytes are about to be decoded. */
    void decoding() {
        decoded = false;
    }

    /** Bytes have been decoded; if they contained no complete frame, they wait for the rest of it. */
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
     * Whether the client has left a message unfinished for that long; both in nanoseconds, the first of {@link
     * System#nanoTime}.
     */
    public boolean isUnfinishedFor(long now, long nanos) {
        return unfinished && !paused && now - unfinishedSince >= nanos;
    }

    /**
     * A frame has arrived, which this object releases.
     *
     * @throws CorruptedWebSocketFrameException if its message becomes too long
     */
    void received(WebSocketFrame frame) {
        decoded = true;
        if (stopped) {
            drop(frame);
        } else if (frame instanceof CloseWebSocketFrame closing) {
            closing(closing);
        } else if (!admit(1)) {
            frame.release();
            end(to -> to.failed(Disconnect.FLOODED));
        } else {
            if (peer != null) {
                peer.heard();
            }
            if (frame instanceof PingWebSocketFrame) {
                // Vert.x would answer it past the outbox, so without a bound if the client does not read.
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

    /** Charges the client with further frames; returns false, and reports a flood, if they exceed its rate. */
    public boolean admits(int more) {
        boolean admitted = admit(more);
        if (!admitted) {
            end(to -> to.failed(Disconnect.FLOODED));
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

    /** A close frame is being sent: from now on, only the client's close frame is passed on. Idempotent. */
    void stop() {
        if (stopped) {
            return;
        }
        stopped = true;
        clearWaiting();
        CloseWebSocketFrame close = pollClose();
        if (close != null) {
            // Later: Vert.x closes the Netty channel when it sees the second of two close frames.
            channel.eventLoop().execute(() -> passOn(close));
        }
        adjustReading();
    }

    /** Whether nothing is passed on any more. */
    boolean isStopped() {
        return stopped;
    }

    /** Releases everything, because the connection is closed. */
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
            // Validates UTF-8 only now: dropped text needs no validation.
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
            // The client no longer waits for the answer.
            clearWaiting();
            passOnClose();
        } else if (waiting.messages() > MAX_HELD) {
            end(Peer::heldTooMany);
        }
    }

    private void rejectInboundFull() {
        inboundFull = true;
        budget.refused();
        end(to -> to.failed(Disconnect.INBOUND_FULL));
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

    /** Whether something waits that will be handled without further input. */
    private boolean waits() {
        return handling || !waiting.isEmpty();
    }

    private boolean exceedsPod() {
        return budget.exceedsPod(frames, partial, fragments == null ? 0 : fragments.charged(), authenticated);
    }

    /** Pauses or resumes reading: input that is not read stays in the client's memory, and it can't send more. */
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
