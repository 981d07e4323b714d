package dev.sluice.bench.load;

import io.netty.buffer.ByteBuf;

/**
 * What is published, in units, and who must receive it. The deliveries of the last publication of a unit prove that the server has handled the
 * whole unit. To be used by one thread.
 */
public sealed interface Workload {

    default int publicationsPerUnit() {
        return 1;
    }

    default int deliveriesPerUnit() {
        return 1;
    }

    /** How many of the counted things (deliveries, or publications without a listener) one delivery stands for. */
    default int countedPerDelivery() {
        return 1;
    }

    /** Writes the publications of a unit; units are numbered from 0. */
    void write(ByteBuf out, long unit, long nanos);

    /** How many deliveries the receiver with this number must have got after this number of units. */
    default long expected(int receiver, long units) {
        return units;
    }

    /** One channel to which all receivers listen. */
    record FanOut(Publication publication, int receivers) implements Workload {

        @Override
        public int deliveriesPerUnit() {
            return receivers;
        }

        @Override
        public void write(ByteBuf out, long unit, long nanos) {
            publication.writeTo(out, 0, nanos);
        }
    }

    /** A channel for each receiver, with the receiver's number; the channels take turns. */
    record Direct(Publication publication, int receivers) implements Workload {

        @Override
        public void write(ByteBuf out, long unit, long nanos) {
            publication.writeTo(out, unit % receivers, nanos);
        }

        @Override
        public long expected(int receiver, long units) {
            return units / receivers + (receiver < units % receivers ? 1 : 0);
        }
    }

    /**
     * Publications on channels without listeners. The last publication of some units goes to the only receiver, which shows progress.
     *
     * @param channels the number of channels without listeners, which take turns
     * @param publicationsPerUnit that for the receiver included
     * @param unitsPerMarker one unit in this number has a publication for the receiver
     */
    record Unwanted(Publication unwanted, int channels, Publication marker, int publicationsPerUnit, int unitsPerMarker)
            implements Workload {

        @Override
        public int countedPerDelivery() {
            return publicationsPerUnit * unitsPerMarker;
        }

        @Override
        public void write(ByteBuf out, long unit, long nanos) {
            boolean marked = (unit + 1) % unitsPerMarker == 0;
            int ofNobody = marked ? publicationsPerUnit - 1 : publicationsPerUnit;
            for (int i = 0; i < ofNobody; i++) {
                unwanted.writeTo(out, (unit * publicationsPerUnit + i) % channels, nanos);
            }
            if (marked) {
                marker.writeTo(out, 0, nanos);
            }
        }

        @Override
        public long expected(int receiver, long units) {
            return units / unitsPerMarker;
        }
    }
}
