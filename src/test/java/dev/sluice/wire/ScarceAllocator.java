package dev.sluice.wire;

import io.netty.buffer.AbstractByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;

/** An allocator that runs out of memory on request, and counts the memory in use. */
public final class ScarceAllocator extends AbstractByteBufAllocator {

    final UnpooledByteBufAllocator memory = new UnpooledByteBufAllocator(true);
    public boolean exhausted;

    @Override
    protected ByteBuf newHeapBuffer(int initialCapacity, int maxCapacity) {
        return memory.heapBuffer(initialCapacity, maxCapacity);
    }

    @Override
    protected ByteBuf newDirectBuffer(int initialCapacity, int maxCapacity) {
        if (exhausted) {
            throw new OutOfMemoryError("made by the test");
        }
        return memory.directBuffer(initialCapacity, maxCapacity);
    }

    @Override
    public boolean isDirectBufferPooled() {
        return false;
    }
}
