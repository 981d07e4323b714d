package dev.sluice.session;

/**
 * Makes a client that keeps a position for each channel subscribe again, because it may have missed something. Confined
 * to the connection's event loop.
 */
final class ChannelRestart {

    private final Client client;
    private final Requests requests;

    /** Whether the client must subscribe again as soon as a replay is over, or at the next heartbeat. */
    private boolean due;

    /** Whether channels that are read from streams alone are included. */
    private boolean streams;

    ChannelRestart(Client client, Requests requests) {
        this.client = client;
        this.requests = requests;
    }

    /** Suspends delivery until {@link #restart}. */
    void suspend() {
        requests.suspend(client);
    }

    void restart(boolean withStreams) {
        streams |= withStreams;
        // A channel whose answer is not sent yet can't end.
        due = client.isWaiting();
        if (!due) {
            boolean all = streams;
            streams = false;
            requests.restart(client, all);
        }
    }

    /** Restarts after the next replay, or at the next heartbeat. */
    void restartLater() {
        due = true;
    }

    void restartIfDue() {
        if (due) {
            restart(false);
        }
    }
}
