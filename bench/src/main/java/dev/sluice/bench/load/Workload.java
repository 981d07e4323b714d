package dev.sluice.bench.load;

import io.netty.buffer.ByteBuf;

/**
 * Publications in units, and the deliveries that must follow. A unit ends with the publication whose deliveries prove
 * that the server has handled the whole unit. To be used by one thread.
 */
public sealed interface Workload {

    int publicationsPerUnit();

    int deliveriesPerUnit();

    /** The number of counted events (deliveries, or publications without a listener) per delivery. */
    int countedPerDelivery();

    /** Writes the publications of a unit; units are numbered from 0. */
    void write(ByteBuf out, long unit, long nanos);

    /** The number of deliveries that a receiver, given by its number, must have got after so many units. */
    long expected(int receiver, long units);

    /** One channel to which all receivers listen. */
    public static final class FanOut implements Workload {

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

    /** A separate channel for each receiver, in turn. */
    public static final class Direct implements Workload {

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

    /** Publications on channels without listeners, in rotation, and at intervals one to a receiver, to show progress. */
    public static final class Unwanted implements Workload {

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
}
