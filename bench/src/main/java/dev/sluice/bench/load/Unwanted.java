package dev.sluice.bench.load;

import io.netty.buffer.ByteBuf;

/** Publications on channels that nobody hears, in rotation, and every so often one to a receiver, to show progress. */
public final class Unwanted implements Traffic {

    private static final int RUN = 500;

    private final Publication unwanted;
    private final int channels;
    private final Publication marker;

    /** @param channels how many channels the unwanted publications have */
    public Unwanted(Publication unwanted, int channels, Publication marker) {
        this.unwanted = unwanted;
        this.channels = channels;
        this.marker = marker;
    }

    @Override
    public int publicationsPerUnit() {
        return RUN + 1;
    }

    @Override
    public int deliveriesPerUnit() {
        return 1;
    }

    @Override
    public int countedPerDelivery() {
        return RUN;
    }

    @Override
    public void write(ByteBuf out, long unit, long nanos) {
        for (int i = 0; i < RUN; i++) {
            unwanted.writeTo(out, (unit * RUN + i) % channels, nanos);
        }
        marker.writeTo(out, 0, nanos);
    }

    @Override
    public long expected(int receiver, long units) {
        return units;
    }
}
