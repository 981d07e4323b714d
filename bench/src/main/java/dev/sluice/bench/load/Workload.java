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
            return turns(receiver, units, receivers);
        }
    }

    /**
     * Channels that take turns, of which some, spread evenly, have a receiver each. In a rehearsal before, only those take turns, so that the
     * server has compiled what a delivery needs, however few channels are wanted.
     *
     * @param channels the number of all channels
     * @param wanted the number of those with a receiver
     * @param rehearsal the number of units before all channels take turns
     */
    record PartlyWanted(Publication publication, int channels, int wanted, long rehearsal) implements Workload {

        /** A prime, and some 0.62 of 10,000 channels: its multiples are spread evenly, however many there are. */
        private static final int STRIDE = 6_199;

        /** The number of the receiver's channel. */
        public int channel(int receiver) {
            return (int) ((long) receiver * STRIDE % channels);
        }

        @Override
        public void write(ByteBuf out, long unit, long nanos) {
            long number = unit < rehearsal ? channel((int) (unit % wanted)) : (unit - rehearsal) % channels;
            publication.writeTo(out, number, nanos);
        }

        @Override
        public long expected(int receiver, long units) {
            return turns(receiver, Math.min(units, rehearsal), wanted)
                    + turns(channel(receiver), Math.max(0, units - rehearsal), channels);
        }
    }

    /** How many of these units are of the one with this number, if so many take turns. */
    private static long turns(int number, long units, int takingTurns) {
        return units / takingTurns + (number < units % takingTurns ? 1 : 0);
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
