package dev.sluice.feed;

import io.netty.channel.ChannelHandler;
import java.util.List;
import java.util.function.Consumer;

/** Lets the benchmarks at the decoder, which is nobody else's business. */
public final class Decoders {

    private Decoders() {}

    /** A decoder of what Redis sends. */
    public static ChannelHandler decoder(Consumer<List<Publication>> consumer) {
        return new PublicationDecoder(256 * 1024, consumer, own -> {});
    }
}
