package dev.sluice.bench.account;

import dev.sluice.bench.account.ConnectionLog.ChannelLog;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** What one client should hear, and what its connections heard, one after the other. */
public final class ClientLog {

    private final String name;
    private final boolean resumes;
    private final Set<String> channels;
    private final List<ConnectionLog> connections = new ArrayList<>();

    /** @param resumes whether it may continue a subscription on another connection */
    public ClientLog(String name, boolean resumes, Set<String> channels) {
        this.name = name;
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

    /** When each number of the channel, of as many as there are, was heard first; zero for those that were not. */
    long[] firstHeard(String channel, int count) {
        long[] first = new long[count + 1];
        for (ConnectionLog connection : connections) {
            for (ChannelLog.Delivery delivery : connection.channel(channel).deliveries()) {
                if (first[delivery.number()] == 0) {
                    first[delivery.number()] = delivery.at();
                }
            }
        }
        return first;
    }

    /** How often each number of the channel was heard, of as many as there are. */
    int[] timesHeard(String channel, int count) {
        int[] times = new int[count + 1];
        for (ConnectionLog connection : connections) {
            for (ChannelLog.Delivery delivery : connection.channel(channel).deliveries()) {
                times[delivery.number()]++;
            }
        }
        return times;
    }
}
