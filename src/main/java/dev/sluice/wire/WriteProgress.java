package dev.sluice.wire;

import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.epoll.EpollTcpInfo;
import io.netty.channel.nio.AbstractNioChannel;
import java.util.concurrent.TimeUnit;

/**
 * Determines when the peer of a connection last acknowledged data. The promise of a write completes only once the kernel has
 * all of it, and the kernel reports a socket as writable only once a third of its send buffer is free. That buffer may have
 * grown to megabytes, which a slow peer reads for minutes. Confined to the connection's event loop.
 */
final class WriteProgress {

    private final Channel channel;
    private final EpollTcpInfo tcp = new EpollTcpInfo();

    /** Netty's buffer at the last call; only used where the kernel gives no TCP information. */
    private boolean looked;

    private long lookedAt;
    private int entry;
    private long bytesOfEntry;

    WriteProgress(Channel channel) {
        this.channel = channel;
    }

    /**
     * Returns when the peer last acknowledged data, as far as is known, but not before {@code since}; in nanoseconds of
     * {@link System#nanoTime}. To be called periodically while data is under way.
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
        // only both together show progress.
        long quiet = TimeUnit.MILLISECONDS.toNanos(Math.max(tcp.lastDataSent(), tcp.lastAckRecv()));
        return now - quiet - since > 0 ? now - quiet : since;
    }

    private long seenInBuffer(long since, long now) {
        if (channel.unsafe() instanceof AbstractNioChannel.NioUnsafe nio) {
            // The kernel takes data for which it has room, even while it does not report the socket as writable.
            nio.forceFlush();
        }
        ChannelOutboundBuffer buffer = channel.unsafe().outboundBuffer();
        if (buffer == null) {
            return since;
        }
        int current = System.identityHashCode(buffer.current());
        long bytes = buffer.currentProgress();
        // Data that was taken before the first call has completed a promise.
        boolean taken = looked && lookedAt - since >= 0 && (current != entry || bytes != bytesOfEntry);
        looked = true;
        lookedAt = now;
        entry = current;
        bytesOfEntry = bytes;
        return taken ? now : since;
    }
}
