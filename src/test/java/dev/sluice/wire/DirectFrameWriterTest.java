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
import io.netty.channel.embedded.EmbeddedChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
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
        writer.write(batch);
        allocator.exhausted = true;
        assertThatThrownBy(() -> writer.write(Frame.text("y"))).isInstanceOf(OutOfMemoryError.class);
        assertThatThrownBy(() -> writer.write(Frame.text("z"))).isInstanceOf(OutOfMemoryError.class);
        writer.flush(done::add);
        assertThat(written()).containsExactly("810178");
        assertThat(done).hasSize(1).containsOnlyNulls();
        assertThat(inUse()).as("what the encoder keeps").isEqualTo(batch.length());
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

    @Test
    void cutClosesTheChannel() {
        writer.cut();
        assertThat(channel.isOpen()).isFalse();
    }

    private long inUse() {
        return allocator.memory.metric().usedDirectMemory();
    }

    private List<String> written() {
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
