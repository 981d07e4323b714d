package dev.sluice.wire;

import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.epoll.EpollTcpInfo;
import io.netty.channel.nio.AbstractNioChannel;
import java.util.concurrent.TimeUnit;

/**
 * Tells when the peer of a connection last took something of what was written to it. A write tells only once all of it is
 * taken, and the kernel calls a socket writable only once a third of its send buffer is free: that buffer may have grown to
 * megabytes, which a slow peer takes minutes to read. Confined to the connection's event loop.
 */
final class WriteProgress {

    private final Channel channel;
    private final EpollTcpInfo tcp = new EpollTcpInfo();

    /** What Netty's buffer was at the last look; only where TCP itself can't be asked. */
    private boolean looked;

    private long lookedAt;
    private int entry;
    private long bytesOfEntry;

    WriteProgress(Channel channel) {
        this.channel = channel;
    }

    /**
     * When something was last taken, as far as can be told, but not before {@code since}; in nanoseconds of {@link
     * System#nanoTime}. To be called now and then while something is under way.
     */
    long lastTaken(long since, long now) {
        return channel instanceof EpollSocketChannel epoll ? toldByTcp(epoll, since, now) : seenInBuffer(since, now);
    }

    private long toldByTcp(EpollSocketChannel epoll, long since, long now) {
        try {
            epoll.tcpInfo(tcp);
        } catch (ChannelException e) {
            // It has been closed.
            return since;
        }
        // Retransmissions to a dead peer update lastDataSent, and acknowledged window probes update lastAckRecv, so
        // only
        // both together show progress.
        long quiet = TimeUnit.MILLISECONDS.toNanos(Math.max(tcp.lastDataSent(), tcp.lastAckRecv()));
        return now - quiet - since > 0 ? now - quiet : since;
    }

    private long seenInBuffer(long since, long now) {
        if (channel.unsafe() instanceof AbstractNioChannel.NioUnsafe nio) {
            // The kernel takes what there is room for, whether it calls the socket writable or not.
            nio.forceFlush();
        }
        ChannelOutboundBuffer buffer = channel.unsafe().outboundBuffer();
        if (buffer == null) {
            return since;
        }
        int current = System.identityHashCode(buffer.current());
        long bytes = buffer.currentProgress();
        // What was taken before the first look since then has been told by the write.
        boolean taken = looked && lookedAt - since >= 0 && (current != entry || bytes != bytesOfEntry);
        looked = true;
        lookedAt = now;
        entry = current;
        bytesOfEntry = bytes;
        return taken ? now : since;
    }
}
