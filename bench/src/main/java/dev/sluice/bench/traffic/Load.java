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

    private static final int UPLOADS = 20;

    /** As of many pages that watch a few uploads each. */
    public static Load of(int clients) {
        return new Load(clients, UPLOADS, 3, 160, clients / 2.0, 200);
    }

    /** Of a third of the clients, with payloads so large that they fill what lies between a pod and one that reads nothing. */
    public Load large() {
        return new Load(clients / 3, uploads, uploadsPerClient, uploadsPerSecond, directPerSecond / 3, 16_000);
    }
}
