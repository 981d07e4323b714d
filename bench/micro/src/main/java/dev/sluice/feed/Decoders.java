package dev.sluice.feed;

import io.netty.channel.ChannelHandler;
import java.util.List;
import java.util.function.Consumer;

/** Makes the decoder of the feed for the benchmarks. */
public final class Decoders {

    private Decoders() {}

    /** A decoder that passes each read to the consumer. */
    public static ChannelHandler decoder(Consumer<List<Publication>> consumer) {
        return new PublicationDecoder(256 * 1024, List.of(), consumer, own -> {});
    }
}
