package dev.sluice.bench.account;

import dev.sluice.bench.account.ConnectionLog.ChannelLog;
import dev.sluice.bench.account.Timing.Absences;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.HdrHistogram.Histogram;

/**
 * The logs of publishers and clients, and what follows from them. Times are {@link #now}.
 *
 * @param published by channel
 * @param surprises messages that no well-behaved client should get, shortened
 */
public record Books(Map<String, Publications> published, Collection<ClientLog> clients, List<String> surprises) {

    /**
     * Four seconds without a canary message, two in which gap messages are spread, and the rest for everything else, such as
     * pauses of the machine.
     */
    private static final Duration TOLD_WITHIN = Duration.ofSeconds(15);

    /** The prefix of channels that are streams. */
    public static final String STREAM = "result:";

    /** Nanoseconds since 1970, by the machine's clock; the gap messages of the pods have times of this clock. */
    public static long now() {
        return nanos(Instant.now());
    }

    /** The time in nanoseconds since 1970. */
    public static long nanos(Instant time) {
        return TimeUnit.SECONDS.toNanos(time.getEpochSecond()) + time.getNano();
    }

    /** Whether the channel is a stream, whose entries Redis keeps. */
    public static boolean isStream(String channel) {
        return channel.startsWith(STREAM);
    }

    /** The number of publications. */
    public int publications() {
        return published.values().stream().mapToInt(Publications::count).sum();
    }

    /** The number of those that Redis has answered. */
    public int confirmed() {
        return published.values().stream()
                .mapToInt(publications -> (int) IntStream.rangeClosed(1, publications.count())
                        .filter(publications::isCertain)
                        .count())
                .sum();
    }

    public Balance audit() {
        return Audit.of(published, clients, channel -> true, TOLD_WITHIN);
    }

    /** The audit of the clients that resume, or of the others. */
    public Balance audit(boolean resuming) {
        return audit(client -> client.resumes() == resuming, channel -> true);
    }

    /** The audit of some channels at the clients of a protocol. */
    public Balance audit(String protocol, Predicate<String> channels) {
        return audit(client -> client.protocol.equals(protocol), channels);
    }

    private Balance audit(Predicate<ClientLog> some, Predicate<String> channels) {
        return Audit.of(published, clients.stream().filter(some).toList(), channels, TOLD_WITHIN);
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

    /** Counts the deliveries of publications that were sent between these times. */
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
     * Counts of deliveries.
     *
     * @param due acknowledged publications times their receivers
     * @param came deliveries that arrived
     * @param again surplus deliveries to an application
     */
    public record Arrivals(long due, long came, long again) {

        /** From 0 to 1. */
        public double share() {
            return (double) came / due;
        }
    }

    /** The channels of one client, and the logs of its connections in order. */
    public static final class ClientLog {

        private final String name;
        private final String protocol;
        private final boolean resumes;
        private final Set<String> channels;
        private final List<ConnectionLog> connections = new ArrayList<>();

        /** @param resumes whether it can resume a subscription on another connection */
        public ClientLog(String name, String protocol, boolean resumes, Set<String> channels) {
            this.name = name;
            this.protocol = protocol;
            this.resumes = resumes;
            this.channels = Set.copyOf(channels);
        }

        /** The log of a connection that begins. */
        public ConnectionLog connect() {
            ConnectionLog log = new ConnectionLog();
            connections.add(log);
            return log;
        }

        public String name() {
            return name;
        }

        boolean resumes() {
            return resumes;
        }

        public Set<String> channels() {
            return channels;
        }

        List<ConnectionLog> connections() {
            return connections;
        }

        /** The times at which each number of the channel came first; zero if it did not come. */
        long[] firstHeard(String channel, int count) {
            long[] first = new long[count + 1];
            for (ConnectionLog connection : connections) {
                for (ChannelLog log : connection.subscriptions(channel)) {
                    for (ChannelLog.Delivery delivery : log.deliveries()) {
                        if (first[delivery.number()] == 0) {
                            first[delivery.number()] = delivery.at();
                        }
                    }
                }
            }
            return first;
        }

        /** How often each number of the channel came. */
        int[] timesHeard(String channel, int count) {
            int[] times = new int[count + 1];
            for (ConnectionLog connection : connections) {
                for (ChannelLog log : connection.subscriptions(channel)) {
                    log.deliveries().forEach(delivery -> times[delivery.number()]++);
                }
            }
            return times;
        }
    }

    /** The publications of one channel, numbered from 1 in order. Times are {@link #now}. */
    public static final class Publications {

        private static final long NEVER = Long.MAX_VALUE;

        private long[] sent = new long[64];
        private long[] acknowledged = new long[64];
        private Optional<BitSet> kept = Optional.empty();
        private int count;

        /** Adds a publication, and returns its number. */
        public int add(long at) {
            count++;
            if (count == sent.length) {
                sent = Arrays.copyOf(sent, 2 * count);
                acknowledged = Arrays.copyOf(acknowledged, 2 * count);
            }
            sent[count] = at;
            acknowledged[count] = NEVER;
            return count;
        }

        /** Redis has answered: the publication was made after it was sent and before now. */
        public void acknowledge(int number, long at) {
            acknowledged[number] = at;
        }

        /** Only these are entries of the stream in Redis. */
        public void keep(BitSet numbers) {
            kept = Optional.of(numbers);
        }

        /** Whether Redis has lost it. */
        boolean isForgotten(int number) {
            return kept.map(numbers -> !numbers.get(number)).orElse(false);
        }

        /** The highest number there is. */
        public int count() {
            return count;
        }

        /** Whether Redis has answered; otherwise the publication may have been made or not. */
        boolean isCertain(int number) {
            return acknowledged[number] != NEVER;
        }

        /** It was not published before. */
        long sent(int number) {
            return sent[number];
        }

        /** It was not published after. */
        long acknowledged(int number) {
            return acknowledged[number];
        }
    }
}
