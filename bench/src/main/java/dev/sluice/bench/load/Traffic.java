package dev.sluice.bench.load;

import io.netty.buffer.ByteBuf;

/**
 * What is published, unit after unit, and who must receive it. A unit ends with the publication whose deliveries prove
 * that the server is done with the whole of it. To be used by one thread.
 */
public sealed interface Traffic permits FanOut, Direct, Unwanted {

    int publicationsPerUnit();

    int deliveriesPerUnit();

    /** How many of what is counted (deliveries, or publications that reach nobody) one delivery stands for. */
    int countedPerDelivery();

    /** Writes the publications of a unit; units are numbered from 0. */
    void write(ByteBuf out, long unit, long nanos);

    /** How many deliveries a receiver, by its number, must have had after so many units. */
    long expected(int receiver, long units);
}
