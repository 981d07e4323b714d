package dev.sluice.bench.account;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/**
 * How clients lost their connections, and how long each was without one: from the end of one that was whole until all
 * subscriptions were answered on another.
 *
 * @param lengths in nanoseconds
 * @param busiestSecond in how many at the most a client was back within one second
 * @param endings how often a connection, or an attempt to make one, ended in which way
 */
public record Absences(Histogram lengths, int busiestSecond, Map<String, Integer> endings) {

    /** The close code of a pod that is going away, which asks its clients to come back. */
    public static final String GOING_AWAY = "1012";

    private static final int DIGITS = 3;

    /**
     * @param begin connections that ended before do not count
     * @param until the absence of a client that is not back by then lasts until then
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

    /** How many ended otherwise than they should. */
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
