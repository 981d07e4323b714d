package dev.sluice.bench.load;

/** Decides when something is published. To be used on the event loop. */
interface Drive {

    void start();

    /** Nothing is published any more. */
    void stop();
}
