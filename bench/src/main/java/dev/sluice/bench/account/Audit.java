package dev.sluice.bench.account;

import dev.sluice.bench.account.Balance.Breach;
import dev.sluice.bench.account.Balance.Fate;
import dev.sluice.bench.account.Books.ClientLog;
import dev.sluice.bench.account.Books.Publications;
import dev.sluice.bench.account.ConnectionLog.ChannelLog;
import dev.sluice.bench.account.ConnectionLog.ChannelLog.Delivery;
import dev.sluice.bench.account.ConnectionLog.Gap;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Compares what each client received with what was published.
 *
 * <p>A span is one subscription of a client to a channel, or several of which each resumes the one before. A publication is due in a span if it
 * was sent after the subscription was answered, or follows another delivery since then. If the last subscription of the span has ended, only
 * publications before another delivery are due.
 *
 * <p>A publication that is due in no span was lost because the client was disconnected, which it knows. A publication that is due must have
 * come, or the span must have a signal: a gap that includes the time of the publication, or a count of missed ones that is correct.
 */
final class Audit {

    private final Map<String, Publications> published;
    private final Predicate<String> channels;
    private final long toldWithin;
    private final Balance balance = new Balance();

    private Audit(Map<String, Publications> published, Predicate<String> channels, Duration toldWithin) {
        this.published = published;
        this.channels = channels;
        this.toldWithin = toldWithin.toNanos();
    }

    /**
     * @param channels that are audited
     * @param toldWithin the longest time from a lost publication until the client is told of the gap
     */
    static Balance of(
            Map<String, Publications> published,
            Collection<ClientLog> clients,
            Predicate<String> channels,
            Duration toldWithin) {
        Audit audit = new Audit(published, channels, toldWithin);
        clients.forEach(audit::client);
        return audit.balance;
    }

    private void client(ClientLog client) {
        for (ConnectionLog connection : client.connections()) {
            if (!connection.hasEnded() && connection.gaps().stream().anyMatch(Gap::isOpen)) {
                balance.blame(Breach.UNCLOSED, client.name() + " is still in " + connection.gaps());
            }
            connection.channels().entrySet().stream()
                    .filter(channel -> channels.test(channel.getKey()))
                    .flatMap(channel -> channel.getValue().stream())
                    .flatMap(log -> log.resumption().stream())
                    .forEach(balance::answer);
            balance.repeat(connection.countRepeated());
        }
        Map<ConnectionLog, Long> lived = new HashMap<>();
        client.connections().forEach(connection -> lived.put(connection, lived(client, connection)));
        for (String channel : client.channels().stream().filter(channels).toList()) {
            List<Span> spans = spans(client, channel, lived);
            spans.forEach(span -> order(client, channel, span.log));
            channel(client, spans, channel);
        }
    }

    private List<Span> spans(ClientLog client, String channel, Map<ConnectionLog, Long> lived) {
        List<Span> spans = new ArrayList<>();
        for (ConnectionLog connection : client.connections()) {
            List<ChannelLog> subscriptions = connection.subscriptions(channel);
            ChannelLog newest = subscriptions.get(subscriptions.size() - 1);
            for (ChannelLog log : subscriptions) {
                // Nothing is due after the last delivery of a subscription that has ended.
                long until = log == newest ? lived(connection, channel, lived) : Long.MIN_VALUE;
                Span span = new Span(log, connection.gaps(channel), until, published.get(channel));
                int last = spans.size() - 1;
                if (log.resumption().orElse(false) && last >= 0) {
                    balance.resume(countResumed(channel, spans, log));
                    spans.set(last, spans.get(last).followedBy(span));
                } else if (!log.isEmpty()) {
                    spans.add(span);
                }
            }
        }
        return spans;
    }

    /** A delivery of another channel proves nothing of a stream. */
    private static long lived(ConnectionLog connection, String channel, Map<ConnectionLog, Long> lived) {
        return Books.isStream(channel) && connection.hasEnded() ? Long.MIN_VALUE : lived.get(connection);
    }

    /** How many publications from before the answer came here first. */
    private long countResumed(String channel, List<Span> before, ChannelLog log) {
        BitSet heard = new BitSet();
        before.forEach(span -> span.log.deliveries().forEach(delivery -> heard.set(delivery.number())));
        return log.deliveries().stream()
                .filter(delivery -> !heard.get(delivery.number())
                        && published.get(channel).sent(delivery.number()) < log.subscribed())
                .count();
    }

    private void channel(ClientLog client, List<Span> spans, String channel) {
        Publications publications = published.get(channel);
        long[] heard = client.firstHeard(channel, publications.count());
        List<BitSet> missed =
                spans.stream().map(span -> missed(client, channel, span)).toList();
        for (int number = 1; number <= publications.count(); number++) {
            if (!publications.isCertain(number)) {
                balance.add(Fate.UNCERTAIN);
            } else if (heard[number] != 0) {
                balance.add(Fate.DELIVERED);
            } else if (publications.isForgotten(number)) {
                balance.add(Fate.FORGOTTEN);
            } else {
                lost(client, spans, missed, channel, number);
            }
        }
    }

    private void lost(ClientLog client, List<Span> spans, List<BitSet> missed, String channel, int number) {
        Fate fate = Fate.DISCONNECTED;
        for (int i = 0; i < spans.size() && fate == Fate.DISCONNECTED; i++) {
            if (spans.get(i).owes(number)) {
                fate = signalled(spans.get(i), missed.get(i), number);
            }
        }
        balance.add(fate);
        if (fate == Fate.UNSIGNALLED) {
            balance.blame(Breach.UNSIGNALLED, evidence(client, channel, number));
        } else {
            balance.lose(fate, () -> evidence(client, channel, number));
        }
    }

    private Fate signalled(Span span, BitSet missed, int number) {
        if (missed.get(number)) {
            return Fate.MISSED;
        }
        return isInGap(span, number) ? Fate.IN_GAP : Fate.UNSIGNALLED;
    }

    private boolean isInGap(Span span, int number) {
        long sent = span.published.sent(number);
        long acknowledged = span.published.acknowledged(number);
        return span.gaps.stream()
                .anyMatch(gap ->
                        gap.since() <= acknowledged && sent <= gap.until() && gap.told() - acknowledged <= toldWithin);
    }

    /** The numbers that are accounted for by {@code missed} messages. */
    private BitSet missed(ClientLog client, String channel, Span span) {
        BitSet accounted = new BitSet();
        int before = 0;
        for (Delivery delivery : span.log.deliveries()) {
            if (delivery.missedBefore() > 0) {
                boolean first = before == 0;
                int left = delivery.missedBefore();
                int others = 0;
                for (int number = before + 1; number < delivery.number(); number++) {
                    if (!span.published.isCertain(number) || isInGap(span, number)) {
                        others++;
                    } else if (left > 0 && (!first || span.log.coversSending(span.published.sent(number)))) {
                        accounted.set(number);
                        left--;
                    }
                }
                // Publications made while the answer was on its way may be among the first.
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

    /** The time before which every publication would have come on the connection. */
    private long lived(ClientLog client, ConnectionLog connection) {
        if (!connection.hasEnded()) {
            return Long.MAX_VALUE;
        }
        long lived = Long.MIN_VALUE;
        // While a channel is resumed, another one may be ahead of it: a delivery of one proves nothing of another.
        if (!client.resumes()) {
            for (Map.Entry<String, List<ChannelLog>> channel :
                    connection.channels().entrySet()) {
                for (ChannelLog log : channel.getValue()) {
                    for (Delivery delivery : log.deliveries()) {
                        // A retained one proves nothing, because it was published before, nor does an entry of a
                        // stream.
                        if (!delivery.retained() && !Books.isStream(channel.getKey())) {
                            lived = Math.max(
                                    lived, published.get(channel.getKey()).sent(delivery.number()));
                        }
                    }
                }
            }
        }
        return lived;
    }

    private String evidence(ClientLog client, String channel, int number) {
        Publications publications = published.get(channel);
        StringBuilder text = new StringBuilder("%s did not get %d of %s, published between %d and %d; connections:"
                .formatted(
                        client.name(), number, channel, publications.sent(number), publications.acknowledged(number)));
        for (ConnectionLog connection : client.connections()) {
            for (ChannelLog log : connection.subscriptions(channel)) {
                text.append(" [").append(log.around(number));
            }
            text.append(connection.hasEnded() ? ", ended, " : ", open, ")
                    .append(connection.gaps())
                    .append(']');
        }
        return text.toString();
    }

    /**
     * What a client received of one channel on one connection, or on several that resume.
     *
     * @param gaps of which the client was told meanwhile
     * @param lived the time before which every publication would have come
     */
    private record Span(ChannelLog log, List<Gap> gaps, long lived, Publications published) {

        Span followedBy(Span next) {
            List<Gap> both = new ArrayList<>(gaps);
            both.addAll(next.gaps);
            return new Span(log.followedBy(next.log), both, next.lived, published);
        }

        boolean owes(int number) {
            boolean subscribed = log.coversSending(published.sent(number)) || log.follows(number);
            return subscribed && (published.acknowledged(number) < lived || log.encloses(number));
        }
    }
}
