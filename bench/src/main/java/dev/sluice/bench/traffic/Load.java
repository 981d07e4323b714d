package dev.sluice.bench.traffic;

/**
 * How much goes on.
 *
 * @param clients well-behaved ones
 * @param uploads channels that clients share
 * @param uploadsPerClient how many of them each hears
 * @param uploadsPerSecond publications on all of them together
 * @param directPerSecond publications to single users, all together
 * @param payloadBytes of each publication
 */
public record Load(
        int clients,
        int uploads,
        int uploadsPerClient,
        double uploadsPerSecond,
        double directPerSecond,
        int payloadBytes) {

    /** Channels that clients share under {@link #of}. */
    public static final int UPLOADS = 20;

    private static final int UPLOADS_PER_CLIENT = 3;
    private static final int PAYLOAD_BYTES = 200;

    /** As of many pages that watch a few uploads each. */
    public static Load of(int clients) {
        return new Load(clients, UPLOADS, UPLOADS_PER_CLIENT, 160, clients / 2.0, PAYLOAD_BYTES);
    }

    /** As of many pages, each channel of which is watched by a few and says something once a second. */
    public static Load crowd(int clients) {
        int uploads = Math.max(UPLOADS_PER_CLIENT, clients / 10);
        return new Load(clients, uploads, UPLOADS_PER_CLIENT, uploads, clients / 2.0, PAYLOAD_BYTES);
    }

    /** As of many pages on which little happens: each client hears some eight publications a second. */
    public static Load modest(int clients) {
        return new Load(clients, UPLOADS, UPLOADS_PER_CLIENT, 50, clients / 10.0, PAYLOAD_BYTES);
    }

    /** Of a third of the clients, with payloads so large that they fill what lies between a pod and one that reads nothing. */
    public Load large() {
        return new Load(clients / 3, uploads, uploadsPerClient, uploadsPerSecond, directPerSecond / 3, 16_000);
    }
}
