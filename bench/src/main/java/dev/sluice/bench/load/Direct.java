package dev.sluice.bench.load;

import io.netty.buffer.ByteBuf;

/** A channel of their own for each receiver, one after the other. */
public final class Direct implements Traffic {

    private final Publication publication;
    private final int receivers;

    /** The channel's number is the receiver's. */
    public Direct(Publication publication, int receivers) {
        this.publication = publication;
        this.receivers = receivers;
    }

    @Override
    public int publicationsPerUnit() {
        return 1;
    }

    @Override
    public int deliveriesPerUnit() {
        return 1;
    }

    @Override
    public int countedPerDelivery() {
        return 1;
    }

    @Override
    public void write(ByteBuf out, long unit, long nanos) {
        publication.writeTo(out, unit % receivers, nanos);
    }

    @Override
    public long expected(int receiver, long units) {
        return units / receivers + (receiver < units % receivers ? 1 : 0);
    }
}
