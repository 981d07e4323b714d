package dev.sluice.bench.account;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.HdrHistogram.Histogram;

/**
 * All that was written down, and what can be read from it. Times are {@link Time#now}.
 *
 * @param published by channel
 */
public record Books(Map<String, Publications> published, Collection<ClientLog> clients) {

    /** Four seconds without a beat, two over which clients are told, and two for everything else. */
    private static final Duration TOLD_WITHIN = Duration.ofSeconds(8);

    /** How many publications there were. */
    public int publications() {
        return published.values().stream().mapToInt(Publications::count).sum();
    }

    public Balance audit() {
        return Audit.of(published, clients, TOLD_WITHIN);
    }

    /** The same of some of the clients. @param resuming whether those that resume, or the others */
    public Balance audit(boolean resuming) {
        List<ClientLog> some =
                clients.stream().filter(client -> client.resumes() == resuming).toList();
        return Audit.of(published, some, TOLD_WITHIN);
    }

    /** As {@link Timing#of}. */
    public Timing timing(long begin, long from) {
        return Timing.of(published, clients, begin, from);
    }

    /** As {@link Timing#latencies}. */
    public Histogram latencies(long begin, long until) {
        return Timing.latencies(published, clients, begin, until);
    }

    /** As {@link Timing#liveLatencies}. */
    public Histogram liveLatencies(long begin, long until) {
        return Timing.liveLatencies(published, clients, begin, until);
    }

    /** As {@link Absences#of}. */
    public Absences absences(long begin, long until) {
        return Absences.of(clients, begin, until);
    }

    /** How many of the deliveries of what was published meanwhile are due, and how many came. */
    public Arrivals arrivals(long begin, long until) {
        long due = 0;
        long came = 0;
        long again = 0;
        for (ClientLog client : clients) {
            for (String channel : client.channels()) {
                Publications publications = published.get(channel);
                int[] heard = client.timesHeard(channel, publications.count());
                for (int number = 1; number < heard.length; number++) {
                    if (publications.isCertain(number)
                            && publications.sent(number) >= begin
                            && publications.sent(number) <= until) {
                        due++;
                        came += heard[number] > 0 ? 1 : 0;
                        again += Math.max(0, heard[number] - 1);
                    }
                }
            }
        }
        return new Arrivals(due, came, again);
    }

    /**
     * Deliveries, counted.
     *
     * @param due of publications that Redis has acknowledged, times those that should hear them
     * @param again that an application was given more than once
     */
    public record Arrivals(long due, long came, long again) {

        /** From 0 to 1. */
        public double share() {
            return (double) came / due;
        }
    }
}
