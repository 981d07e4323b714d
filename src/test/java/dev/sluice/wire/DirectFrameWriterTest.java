package dev.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.PublicationBatch;
import dev.sluice.outbox.TestOutboxFactory;
import dev.sluice.protocol.Dialect;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class DirectFrameWriterTest {

    private final ScarceAllocator allocator = new ScarceAllocator();
    private final EmbeddedChannel channel = channel();
    private final DirectFrameWriter writer = new DirectFrameWriter(
            unused(), channel.pipeline().firstContext(), new FrameEncoder(Dialect.V1, Framing.WEB_SOCKET));
    private final List<@Nullable Throwable> done = new ArrayList<>();

    @Test
    void writesInOrderAndReportsEachFlushOnce() {
        for (int i = 0; i < 10; i++) {
            writer.write(Frame.text("" + i));
        }
        assertThat(done).isEmpty();
        assertThat(written()).as("not yet flushed").isEmpty();
        writer.flush(done::add);
        assertThat(done).hasSize(1).containsOnlyNulls();
        assertThat(written())
                .containsExactly(
                        "810130", "810131", "810132", "810133", "810134", "810135", "810136", "810137", "810138",
                        "810139");
        assertThat(inUse()).isZero();
    }

    @Test
    void emptyFlushCompletesAtOnce() {
        writer.flush(done::add);
        assertThat(done).hasSize(1).containsOnlyNulls();
        assertThat(written()).isEmpty();
    }

    @Test
    void outOfMemoryDoesNotRepeatAFrame() {
        PublicationBatch batch = new PublicationBatch(
                TestOutboxFactory.channel("upload:1"), Payload.of(1, null, "x".getBytes(StandardCharsets.US_ASCII), 0));
        batch.sharedBy(2);
        writer.write(batch);
        allocator.exhausted = true;
        assertThatThrownBy(() -> writer.write(Frame.text("y"))).isInstanceOf(OutOfMemoryError.class);
        assertThatThrownBy(() -> writer.write(Frame.text("z"))).isInstanceOf(OutOfMemoryError.class);
        writer.flush(done::add);
        assertThat(written()).containsExactly("810178");
        assertThat(done).hasSize(1).containsOnlyNulls();
        assertThat(inUse()).as("what the encoder keeps").isEqualTo(batch.length());
    }

    /** As where the heap is full after Netty has taken the bytes. */
    @Test
    void bytesWhoseWriteFailedAreNotWrittenAgain() {
        AtomicBoolean failing = new AtomicBoolean();
        EmbeddedChannel full = new EmbeddedChannel(new ChannelDuplexHandler()) {
            @Override
            public Unsafe unsafe() {
                Unsafe real = super.unsafe();
                return (Unsafe) Proxy.newProxyInstance(
                        Unsafe.class.getClassLoader(), new Class<?>[] {Unsafe.class}, (proxy, method, arguments) -> {
                            Object result = method.invoke(real, arguments);
                            if (method.getName().equals("write") && failing.getAndSet(false)) {
                                throw new OutOfMemoryError("made by the test");
                            }
                            return result;
                        });
            }
        };
        DirectFrameWriter scarce = new DirectFrameWriter(
                unused(), full.pipeline().firstContext(), new FrameEncoder(Dialect.V1, Framing.WEB_SOCKET));
        scarce.write(Frame.text("x"));
        failing.set(true);
        assertThatThrownBy(() -> scarce.write(Frame.text("y"))).isInstanceOf(OutOfMemoryError.class);
        scarce.flush(done::add);
        assertThat(written(full)).containsExactly("810178", "810179");
        assertThat(done).hasSize(1).containsOnlyNulls();
    }

    @Test
    void flushToAClosedChannelFailsAndFreesItsBytes() {
        writer.write(Frame.text("x"));
        writer.write(Frame.text("y"));
        channel.close().syncUninterruptibly();
        writer.flush(done::add);
        assertThat(done).singleElement().isNotNull();
        assertThat(inUse()).isZero();
    }

    /** As Netty's SslHandler stands before the frame encoder, and inbound handlers between them. */
    @Test
    void writesPassTheHandlersBeforeTheContextAndNoOther() {
        List<String> passed = new ArrayList<>();
        channel.pipeline()
                .addFirst(
                        new ChannelInboundHandlerAdapter(),
                        passing("outer", passed),
                        new ChannelInboundHandlerAdapter());
        channel.pipeline().addLast("encoder", passing("encoder", passed));
        DirectFrameWriter behind = new DirectFrameWriter(
                unused(), channel.pipeline().context("encoder"), new FrameEncoder(Dialect.V1, Framing.WEB_SOCKET));
        behind.write(Frame.text("x"));
        behind.flush(done::add);
        assertThat(passed).containsExactly("outer");
        assertThat(written()).containsExactly("810178");
        assertThat(done).hasSize(1).containsOnlyNulls();
    }

    /** As Netty's SslHandler does: the write ends later, with another promise. */
    @Test
    void flushThatAnotherHandlerEndsIsReportedOnce() {
        List<ChannelPromise> promises = new ArrayList<>();
        channel.pipeline().addFirst(new ChannelOutboundHandlerAdapter() {
            @Override
            public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
                ReferenceCountUtil.release(message);
                promises.add(promise);
            }
        });
        DirectFrameWriter behind = new DirectFrameWriter(
                unused(), channel.pipeline().lastContext(), new FrameEncoder(Dialect.V1, Framing.WEB_SOCKET));
        behind.write(Frame.text("x"));
        behind.flush(done::add);
        behind.write(Frame.text("y"));
        behind.flush(done::add);
        assertThat(done).isEmpty();
        assertThat(promises.get(0).trySuccess()).isTrue();
        assertThat(promises.get(0).trySuccess()).isFalse();
        assertThat(promises.get(0).isDone()).isTrue();
        assertThat(promises.get(1).tryFailure(new IOException("made by the test")))
                .isTrue();
        assertThat(done).hasSize(2);
        assertThat(done.get(0)).isNull();
        assertThat(done.get(1)).hasMessage("made by the test");
    }

    @SuppressWarnings("FutureReturnValueIgnored") // The promise has the outcome.
    private static ChannelOutboundHandlerAdapter passing(String name, List<String> passed) {
        return new ChannelOutboundHandlerAdapter() {
            @Override
            public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
                passed.add(name);
                context.write(message, promise);
            }
        };
    }

    @Test
    void cutClosesTheChannel() {
        writer.cut();
        assertThat(channel.isOpen()).isFalse();
    }

    private long inUse() {
        return allocator.memory.metric().usedDirectMemory();
    }

    private List<String> written() {
        return written(channel);
    }

    private static List<String> written(EmbeddedChannel channel) {
        List<String> written = new ArrayList<>();
        for (ByteBuf bytes = channel.readOutbound(); bytes != null; bytes = channel.readOutbound()) {
            written.add(ByteBufUtil.hexDump(bytes));
            bytes.release();
        }
        return written;
    }

    private EmbeddedChannel channel() {
        EmbeddedChannel made = new EmbeddedChannel(new ChannelDuplexHandler());
        made.config().setAllocator(allocator);
        return made;
    }

    private static DirectFrameWriter.Closing unused() {
        return (code, reason) -> {
            throw new UnsupportedOperationException();
        };
    }
}
