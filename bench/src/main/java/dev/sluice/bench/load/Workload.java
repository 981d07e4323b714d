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
     * Publications on channels without listeners, and after some of them one to the only receiver, which shows progress.
     *
     * @param channels the number of channels without listeners, which take turns
     */
    record Unwanted(Publication unwanted, int channels, Publication marker) implements Workload {

        private static final int RUN = 500;

        @Override
        public int publicationsPerUnit() {
            return RUN + 1;
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
    }
}
