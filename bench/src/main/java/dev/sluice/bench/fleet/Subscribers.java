package dev.sluice.bench.fleet;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Connections that subscribe to Redis as pods do, and discard what they get. One thread reads all of them, and counts
 * messages by their line breaks: nothing that is published here has any.
 */
final class Subscribers implements AutoCloseable {

    /** As many names as a pod writes into one command. */
    private static final int SLICE = 256;

    /** The line breaks of an acknowledgement, {@code *3 $9 subscribe $8 upload:7 :1}. */
    private static final int ACKNOWLEDGEMENT = 6;

    private static final long SILENCE_NANOS = 300_000_000;

    private final InetSocketAddress address;
    private final Selector selector = Selector.open();
    private final List<SocketChannel> sockets = new ArrayList<>();
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 20);
    private final Thread reader = new Thread(this::read, "subscribers");
    private int linesPerMessage = 7;
    private volatile long lines;
    private volatile long bytes;
    private volatile long acknowledged;
    private volatile long lastRead = System.nanoTime();
    private volatile boolean closed;

    Subscribers(InetSocketAddress address) throws IOException {
        this.address = address;
        reader.setDaemon(true);
        reader.start();
    }

    /** Connects, subscribes, and waits for the acknowledgements. */
    void add(String command, List<String> names) throws IOException {
        linesPerMessage = command.startsWith("P") ? 9 : 7;
        SocketChannel socket = SocketChannel.open(address);
        long before = lines;
        for (int i = 0; i < names.size(); i += SLICE) {
            List<String> slice = names.subList(i, Math.min(names.size(), i + SLICE));
            StringBuilder text = new StringBuilder(
                    "*" + (slice.size() + 1) + "\r\n$" + command.length() + "\r\n" + command + "\r\n");
            slice.forEach(name -> text.append("$" + name.length() + "\r\n" + name + "\r\n"));
            ByteBuffer out = ByteBuffer.wrap(text.toString().getBytes(StandardCharsets.US_ASCII));
            while (out.hasRemaining()) {
                socket.write(out);
            }
        }
        socket.configureBlocking(false);
        sockets.add(socket);
        selector.wakeup();
        socket.register(selector, SelectionKey.OP_READ);
        long all = before + (long) ACKNOWLEDGEMENT * names.size();
        while (lines < all) {
            Thread.onSpinWait();
        }
        acknowledged += (long) ACKNOWLEDGEMENT * names.size();
    }

    /** The number of publications that all connections have got. */
    long messages() {
        return (lines - acknowledged) / linesPerMessage;
    }

    long bytes() {
        return bytes;
    }

    /** Waits until nothing comes any more. */
    void awaitSilence() {
        while (System.nanoTime() - lastRead < SILENCE_NANOS) {
            try {
                Thread.sleep(50);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private void read() {
        try {
            while (!closed) {
                selector.select(10);
                for (SelectionKey key : selector.selectedKeys()) {
                    read((SocketChannel) key.channel());
                }
                selector.selectedKeys().clear();
            }
        } catch (ClosedSelectorException e) {
            // The end.
        } catch (IOException e) {
            if (!closed) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private void read(SocketChannel socket) throws IOException {
        buffer.clear();
        int read = socket.read(buffer);
        if (read < 0) {
            throw new IOException("Redis has closed a connection");
        }
        int found = 0;
        for (int i = 0; i < read; i++) {
            if (buffer.get(i) == '\n') {
                found++;
            }
        }
        bytes += read;
        lines += found;
        lastRead = System.nanoTime();
    }

    @Override
    public void close() throws IOException {
        closed = true;
        selector.close();
        for (SocketChannel socket : sockets) {
            socket.close();
        }
    }
}
