package dev.sluice.bench.load;

import io.netty.buffer.ByteBuf;

/** One channel that everybody hears. */
public final class FanOut implements Traffic {

    private final Publication publication;
    private final int receivers;

    public FanOut(Publication publication, int receivers) {
        this.publication = publication;
        this.receivers = receivers;
    }

    @Override
    public int publicationsPerUnit() {
        return 1;
    }

    @Override
    public int deliveriesPerUnit() {
        return receivers;
    }

    @Override
    public int countedPerDelivery() {
        return 1;
    }

    @Override
    public void write(ByteBuf out, long unit, long nanos) {
        publication.writeTo(out, 0, nanos);
    }

    @Override
    public long expected(int receiver, long units) {
        return units;
    }
}
