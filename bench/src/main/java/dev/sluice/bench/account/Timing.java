package dev.sluice.bench.account;

import dev.sluice.bench.account.Books.ClientLog;
import dev.sluice.bench.account.Books.Publications;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/**
 * The latencies of publications around a fault.
 *
 * @param disturbed whether a publication since the beginning of the fault did not reach all clients in time
 * @param recovery the time from the fault until all clients got the first publication after which each one reached all in time, or, if
 *     there is none, until they got the last one; empty if they did not
 * @param latencies of publications from the fault until then, in nanoseconds
 */
public record Timing(boolean disturbed, Optional<Duration> recovery, Histogram latencies) {

    /** The longest latency that is in time. */
    public static final Duration IN_TIME = Duration.ofSeconds(1);

    private static final int DIGITS = 3;

    /**
     * @param begin of the fault
     * @param from the time from which recovery counts: the end of the fault, or its beginning
     */
    static Timing of(Map<String, Publications> published, Collection<ClientLog> clients, long begin, long from) {
        Map<String, Reach> reached = new HashMap<>();
        published.forEach((channel, publications) -> reached.put(channel, new Reach(publications)));
        for (ClientLog client : clients) {
            for (String channel : client.channels()) {
                reached.get(channel)
                        .add(client.firstHeard(channel, published.get(channel).count()));
            }
        }
        long lastBad = reached.values().stream()
                .mapToLong(reach -> reach.lastBad(begin))
                .max()
                .orElse(0);
        boolean disturbed = lastBad >= begin;
        Optional<Long> recovered = !disturbed
                ? Optional.of(from)
                : reached.values().stream()
                        .flatMap(reach -> reach.firstAfter(lastBad).stream())
                        .min(Comparator.comparingLong(First::sent))
                        .map(First::heardByAll)
                        // A machine that pauses at the end delays the last ones.
                        .or(() -> lastHeardByAll(reached.values()));
        long until = Math.max(from, recovered.orElse(Long.MAX_VALUE));
        return new Timing(
                disturbed,
                recovered.map(at -> Duration.ofNanos(Math.max(0, at - from))),
                latencies(published, clients, begin, until));
    }

    /** When the last publications reached all clients; empty if one did not. */
    private static Optional<Long> lastHeardByAll(Collection<Reach> reached) {
        return reached.stream().allMatch(Reach::isWhole)
                ? reached.stream().map(Reach::lastHeard).max(Comparator.naturalOrder())
                : Optional.empty();
    }

    /** The latencies of publications between these times, in nanoseconds. */
    public static Histogram latencies(
            Map<String, Publications> published, Collection<ClientLog> clients, long begin, long until) {
        Histogram latencies = new Histogram(DIGITS);
        for (ClientLog client : clients) {
            for (String channel : client.channels()) {
                record(published.get(channel), client, channel, begin, until, latencies);
            }
        }
        return latencies;
    }

    /** The latencies of those among them that were published while their client was subscribed. */
    static Histogram liveLatencies(
            Map<String, Publications> published, Collection<ClientLog> clients, long begin, long until) {
        Histogram latencies = new Histogram(DIGITS);
        for (ClientLog client : clients) {
            for (ConnectionLog connection : client.connections()) {
                connection
                        .channels()
                        .forEach((channel, logs) ->
                                logs.forEach(log -> log.deliveries().forEach(delivery -> {
                                    long sent = published.get(channel).sent(delivery.number());
                                    if (log.coversSending(sent) && sent >= begin && sent <= until) {
                                        latencies.recordValue(Math.max(0, delivery.at() - sent));
                                    }
                                })));
            }
        }
        return latencies;
    }

    private static void record(
            Publications publications, ClientLog client, String channel, long begin, long until, Histogram latencies) {
        long[] heard = client.firstHeard(channel, publications.count());
        for (int number = 1; number < heard.length; number++) {
            long sent = publications.sent(number);
            if (heard[number] != 0 && sent >= begin && sent <= until) {
                latencies.recordValue(Math.max(0, heard[number] - sent));
            }
        }
    }

    private record First(long sent, long heardByAll) {}

    /** How many clients each publication of a channel reached, and when it reached the last. */
    private static final class Reach {
        private final Publications publications;
        private final int[] clients;
        private final long[] last;
        private int expected;

        Reach(Publications publications) {
            this.publications = publications;
            this.clients = new int[publications.count() + 1];
            this.last = new long[publications.count() + 1];
        }

        void add(long[] heard) {
            expected++;
            for (int number = 1; number < heard.length; number++) {
                if (heard[number] != 0) {
                    clients[number]++;
                    last[number] = Math.max(last[number], heard[number]);
                }
            }
        }

        /** The time at which the last publication was sent that did not reach all clients in time; 0 if there is none. */
        long lastBad(long begin) {
            for (int number = publications.count(); number > 0 && publications.sent(number) >= begin; number--) {
                boolean late = last[number] - publications.sent(number) > IN_TIME.toNanos();
                if (publications.isCertain(number) && (late || clients[number] < expected)) {
                    return publications.sent(number);
                }
            }
            return 0;
        }

        /** Whether the last publication reached all clients. */
        boolean isWhole() {
            int number = publications.count();
            while (number > 0 && !publications.isCertain(number)) {
                number--;
            }
            return number == 0 || clients[number] == expected;
        }

        long lastHeard() {
            return Arrays.stream(last).max().orElse(0);
        }

        Optional<First> firstAfter(long sent) {
            for (int number = 1; number <= publications.count(); number++) {
                if (publications.sent(number) > sent && publications.isCertain(number)) {
                    return Optional.of(new First(publications.sent(number), last[number]));
                }
            }
            return Optional.empty();
        }
    }

    /**
     * How long clients had no connection: from the end of one until all subscriptions of another are answered.
     *
     * @param lengths in nanoseconds
     * @param busiestSecond the most clients that came back within one second
     * @param endings the number of connections and attempts, by how they ended
     */
    public record Absences(Histogram lengths, int busiestSecond, Map<String, Integer> endings) {

        /** The close code of a pod that shuts down. */
        public static final String GOING_AWAY = "1012";

        private static final int DIGITS = 3;

        /**
         * @param begin connections that ended before this time do not count
         * @param until the end of the absence of clients that did not come back
         */
        static Absences of(Collection<ClientLog> clients, long begin, long until) {
            Histogram lengths = new Histogram(DIGITS);
            Map<String, Integer> endings = new TreeMap<>();
            List<Long> returns = new ArrayList<>();
            for (ClientLog client : clients) {
                long left = Long.MAX_VALUE;
                for (ConnectionLog connection : client.connections()) {
                    long whole = connection.subscribedToAll(client.channels());
                    if (left != Long.MAX_VALUE && whole != Long.MAX_VALUE) {
                        lengths.recordValue(whole - left);
                        returns.add(whole);
                        left = Long.MAX_VALUE;
                    }
                    if (connection.hasEnded() && connection.ended() >= begin) {
                        endings.merge(connection.ending(), 1, Integer::sum);
                        left = Math.min(left, connection.ended());
                    }
                }
                if (left != Long.MAX_VALUE) {
                    lengths.recordValue(until - left);
                }
            }
            return new Absences(lengths, busiestSecond(returns), endings);
        }

        /** The number that did not end with {@link #GOING_AWAY}. */
        public int errors() {
            return endings.entrySet().stream()
                    .filter(ending -> !ending.getKey().equals(GOING_AWAY))
                    .mapToInt(Map.Entry::getValue)
                    .sum();
        }

        private static int busiestSecond(List<Long> times) {
            List<Long> sorted = times.stream().sorted().toList();
            int most = 0;
            int first = 0;
            for (int last = 0; last < sorted.size(); last++) {
                while (sorted.get(last) - sorted.get(first) >= TimeUnit.SECONDS.toNanos(1)) {
                    first++;
                }
                most = Math.max(most, last - first + 1);
            }
            return most;
        }
    }
}
