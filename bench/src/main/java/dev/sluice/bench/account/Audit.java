package dev.sluice.bench.account;

import dev.sluice.bench.account.Balance.Breach;
import dev.sluice.bench.account.Balance.Fate;
import dev.sluice.bench.account.ConnectionLog.ChannelLog;
import dev.sluice.bench.account.ConnectionLog.ChannelLog.Delivery;
import dev.sluice.bench.account.ConnectionLog.Gap;
import java.time.Duration;
import java.util.BitSet;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * Holds what each connection heard against what was published. A connection owes a publication when that was sent after
 * its subscription was answered, or follows one of the same channel it has brought since; and, where the connection has
 * ended, only when something it did bring was certainly published later: Redis says everything in one order, so the
 * connection lived beyond it. What no connection owes, the client lost by being disconnected. What one owes must have
 * come, or the client must have been told on that connection: of a gap that touches the time in which it was published,
 * or by a count of missed ones that adds up.
 */
final class Audit {

    private final Map<String, Publications> published;
    private final long toldWithin;
    private final Balance balance = new Balance();

    private Audit(Map<String, Publications> published, Duration toldWithin) {
        this.published = published;
        this.toldWithin = toldWithin.toNanos();
    }

    /** @param toldWithin how long after a publication a client may have to wait to be told of the gap it fell into */
    static Balance of(Map<String, Publications> published, Collection<ClientLog> clients, Duration toldWithin) {
        Audit audit = new Audit(published, toldWithin);
        clients.forEach(audit::client);
        return audit.balance;
    }

    private void client(ClientLog client) {
        for (ConnectionLog connection : client.connections()) {
            connection.channels().forEach((channel, log) -> order(client, channel, log));
            if (!connection.hasEnded() && connection.gaps().stream().anyMatch(Gap::isOpen)) {
                balance.blame(Breach.UNCLOSED, client.name() + " is still in " + connection.gaps());
            }
        }
        List<Owing> owing = client.connections().stream().map(this::owing).toList();
        for (String channel : client.channels()) {
            channel(client, owing, channel);
        }
    }

    private void channel(ClientLog client, List<Owing> connections, String channel) {
        Publications publications = published.get(channel);
        long[] heard = client.firstHeard(channel, publications.count());
        List<BitSet> missed = connections.stream()
                .map(owing -> missed(client, channel, owing.connection))
                .toList();
        for (int number = 1; number <= publications.count(); number++) {
            if (!publications.isCertain(number)) {
                balance.add(Fate.UNCERTAIN);
            } else if (heard[number] != 0) {
                balance.add(Fate.DELIVERED);
            } else {
                lost(client, connections, missed, channel, number);
            }
        }
    }

    private void lost(ClientLog client, List<Owing> connections, List<BitSet> missed, String channel, int number) {
        Fate fate = Fate.DISCONNECTED;
        for (int i = 0; i < connections.size() && fate == Fate.DISCONNECTED; i++) {
            if (connections.get(i).owes(channel, number)) {
                fate = signalled(connections.get(i).connection, missed.get(i), channel, number);
            }
        }
        balance.add(fate);
        if (fate == Fate.UNSIGNALLED) {
            balance.blame(Breach.UNSIGNALLED, evidence(client, channel, number));
        }
    }

    private Fate signalled(ConnectionLog connection, BitSet missed, String channel, int number) {
        if (missed.get(number)) {
            return Fate.MISSED;
        }
        return isInGap(connection, channel, number) ? Fate.IN_GAP : Fate.UNSIGNALLED;
    }

    private boolean isInGap(ConnectionLog connection, String channel, int number) {
        long sent = published.get(channel).sent(number);
        long acknowledged = published.get(channel).acknowledged(number);
        return connection.gaps().stream()
                .anyMatch(gap ->
                        gap.since() <= acknowledged && sent <= gap.until() && gap.told() - acknowledged <= toldWithin);
    }

    /** Which numbers the counts of missed ones account for. */
    private BitSet missed(ClientLog client, String channel, ConnectionLog connection) {
        BitSet accounted = new BitSet();
        ChannelLog log = connection.channel(channel);
        int before = 0;
        for (Delivery delivery : log.deliveries()) {
            if (delivery.missedBefore() > 0) {
                boolean first = before == 0;
                int left = delivery.missedBefore();
                int others = 0;
                for (int number = before + 1; number < delivery.number(); number++) {
                    if (!published.get(channel).isCertain(number) || isInGap(connection, channel, number)) {
                        others++;
                    } else if (left > 0
                            && (!first
                                    || log.coversSending(published.get(channel).sent(number)))) {
                        accounted.set(number);
                        left--;
                    }
                }
                // What was published while the answer was on its way may be among the first.
                if (left > others && !first) {
                    balance.blame(
                            Breach.MISCOUNTED,
                            "%s was told of %d too many of %s before %d"
                                    .formatted(client.name(), left - others, channel, delivery.number()));
                }
            }
            before = Math.max(before, delivery.number());
        }
        return accounted;
    }

    private void order(ClientLog client, String channel, ChannelLog log) {
        BitSet heard = new BitSet();
        int newest = 0;
        for (Delivery delivery : log.deliveries()) {
            int number = delivery.number();
            if (heard.get(number) && !(delivery.retained() && number == newest)) {
                balance.blame(Breach.DUPLICATED, "%s got %d of %s again".formatted(client.name(), number, channel));
            } else if (number < newest) {
                balance.blame(
                        Breach.REORDERED,
                        "%s got %d of %s after %d%s"
                                .formatted(
                                        client.name(),
                                        number,
                                        channel,
                                        newest,
                                        delivery.retained() ? ", as retained" : ""));
            }
            heard.set(number);
            newest = Math.max(newest, number);
        }
    }

    private Owing owing(ConnectionLog connection) {
        long lived = Long.MIN_VALUE;
        for (Map.Entry<String, ChannelLog> channel : connection.channels().entrySet()) {
            for (Delivery delivery : channel.getValue().deliveries()) {
                // A retained one proves nothing: it was published before.
                if (!delivery.retained()) {
                    lived = Math.max(lived, published.get(channel.getKey()).sent(delivery.number()));
                }
            }
        }
        return new Owing(connection, connection.hasEnded() ? lived : Long.MAX_VALUE, published);
    }

    private String evidence(ClientLog client, String channel, int number) {
        Publications publications = published.get(channel);
        StringBuilder text = new StringBuilder("%s did not get %d of %s, published between %d and %d; connections:"
                .formatted(
                        client.name(), number, channel, publications.sent(number), publications.acknowledged(number)));
        for (ConnectionLog connection : client.connections()) {
            text.append(" [").append(connection.channel(channel).around(number));
            text.append(connection.hasEnded() ? ", ended, " : ", open, ")
                    .append(connection.gaps())
                    .append(']');
        }
        return text.toString();
    }

    /**
     * What a connection owes.
     *
     * @param lived whatever was published before would have come on it
     */
    private record Owing(ConnectionLog connection, long lived, Map<String, Publications> published) {

        boolean owes(String channel, int number) {
            ChannelLog log = connection.channel(channel);
            Publications publications = published.get(channel);
            boolean subscribed = log.coversSending(publications.sent(number)) || log.follows(number);
            return subscribed && (publications.acknowledged(number) < lived || log.encloses(number));
        }
    }
}
