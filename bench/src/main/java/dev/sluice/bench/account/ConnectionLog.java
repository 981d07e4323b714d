package dev.sluice.bench.account;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Everything that one connection received, in order. */
public final class ConnectionLog {

    /**
     * A gap of which the connection was told.
     *
     * @param channel whose stream may lack entries; empty if the gap is of all other channels
     * @param until {@link Long#MAX_VALUE} if the end is not known
     * @param told when the connection was first told
     */
    record Gap(Optional<String> channel, long since, long until, long told) {

        boolean isOpen() {
            return until == Long.MAX_VALUE;
        }
    }

    /** Of each channel, its subscriptions in order; the last one may not have begun. */
    private final Map<String, List<ChannelLog>> channels = new LinkedHashMap<>();

    private final Map<Map.Entry<Optional<String>, Long>, Gap> gaps = new LinkedHashMap<>();
    private long ended = Long.MAX_VALUE;
    private String ending = "";
    private int repeated;

    /**
     * The subscription was answered; from now on publications are due.
     *
     * @param resumption whether it continues an earlier subscription without a loss, if the client asked for that
     */
    public void subscribed(String channel, long at, boolean retained, Optional<Boolean> resumption) {
        channel(channel).subscribed(at, retained, resumption);
    }

    /** The server ended the subscription; an answer begins another one. */
    public void unsubscribed(String channel) {
        subscriptions(channel).add(new ChannelLog());
    }

    /** A publication came again, and the client dropped it. */
    public void repeated() {
        repeated++;
    }

    public void heard(String channel, int number, long at) {
        channel(channel).heard(number, at);
    }

    public void missed(String channel, int count) {
        channel(channel).missed(count);
    }

    /**
     * @param channel whose stream may lack entries; empty if the gap is of all other channels
     * @param until empty while the gap lasts
     */
    public void gap(Optional<String> channel, long since, Optional<Long> until, long at) {
        Map.Entry<Optional<String>, Long> key = Map.entry(channel, since);
        // A gap of a channel may turn out to have begun earlier.
        Optional<Gap> known = Optional.ofNullable(gaps.get(key))
                .or(() -> gaps.values().stream()
                        .filter(gap -> gap.isOpen() && gap.channel().equals(channel) && since < gap.since())
                        .findFirst());
        known.ifPresent(gap -> gaps.remove(Map.entry(channel, gap.since())));
        long told = known.map(Gap::told).orElse(at);
        gaps.put(key, new Gap(channel, since, until.orElse(Long.MAX_VALUE), told));
    }

    /**
     * The connection is closed, or could not be opened.
     *
     * @param how the close code, or what happened
     */
    public void end(String how, long at) {
        ending = how;
        ended = at;
    }

    int countRepeated() {
        return repeated;
    }

    boolean hasEnded() {
        return ended != Long.MAX_VALUE;
    }

    /** {@link Long#MAX_VALUE} if it is open. */
    long ended() {
        return ended;
    }

    String ending() {
        return ending;
    }

    /** The time at which the last of these channels had its first answer; {@link Long#MAX_VALUE} if one had none. */
    long subscribedToAll(Collection<String> names) {
        return names.stream()
                .mapToLong(name -> subscriptions(name).get(0).subscribed())
                .max()
                .orElse(Long.MAX_VALUE);
    }

    private ChannelLog channel(String channel) {
        List<ChannelLog> all = subscriptions(channel);
        return all.get(all.size() - 1);
    }

    /** At least one. */
    List<ChannelLog> subscriptions(String channel) {
        return channels.computeIfAbsent(channel, name -> new ArrayList<>(List.of(new ChannelLog())));
    }

    Map<String, List<ChannelLog>> channels() {
        return channels;
    }

    Collection<Gap> gaps() {
        return gaps.values();
    }

    /** The gaps that are a signal for this channel. */
    List<Gap> gaps(String channel) {
        return gaps.values().stream()
                .filter(gap -> gap.channel().map(channel::equals).orElse(!Books.isStream(channel)))
                .toList();
    }

    /** What one subscription of a connection received, in order. */
    static final class ChannelLog {

        /**
         * A publication that came.
         *
         * @param missedBefore how many the server said it skipped since the delivery before
         * @param retained whether the server announced it as the retained one
         */
        record Delivery(int number, long at, int missedBefore, boolean retained) {

            private Delivery missing(int more) {
                return new Delivery(number, at, missedBefore + more, retained);
            }
        }

        private final List<Delivery> deliveries = new ArrayList<>();
        private long subscribed = Long.MAX_VALUE;
        private int beforeSubscription;
        private boolean retainedNext;
        private int missed;
        private Optional<Boolean> resumption = Optional.empty();

        void subscribed(long at, boolean retained, Optional<Boolean> resumed) {
            resumption = resumption.or(() -> resumed);
            if (subscribed == Long.MAX_VALUE) {
                subscribed = at;
                beforeSubscription = deliveries.size();
            }
            retainedNext = retained;
        }

        void missed(int count) {
            missed += count;
        }

        void heard(int number, long at) {
            deliveries.add(new Delivery(number, at, missed, retainedNext));
            missed = 0;
            retainedNext = false;
        }

        /** This and the log of the next connection, which continues it. */
        ChannelLog followedBy(ChannelLog next) {
            ChannelLog both = new ChannelLog();
            both.subscribed = subscribed;
            both.beforeSubscription = beforeSubscription;
            both.resumption = resumption;
            both.deliveries.addAll(deliveries);
            int carried = missed;
            for (Delivery delivery : next.deliveries) {
                both.deliveries.add(delivery.missing(carried));
                carried = 0;
            }
            both.missed = carried + next.missed;
            return both;
        }

        /** Whether the server resumed an earlier subscription, if it was asked to. */
        Optional<Boolean> resumption() {
            return resumption;
        }

        boolean isEmpty() {
            return subscribed == Long.MAX_VALUE && deliveries.isEmpty();
        }

        /** The time at which the subscription was answered; {@link Long#MAX_VALUE} if it was not. */
        long subscribed() {
            return subscribed;
        }

        List<Delivery> deliveries() {
            return deliveries;
        }

        /** Whether a publication sent at this time is due: it was sent after the answer. */
        boolean coversSending(long sent) {
            return sent >= subscribed;
        }

        /** Whether an earlier and a later one came since the answer; a channel is in order. */
        boolean encloses(int number) {
            return beforeSubscription < deliveries.size()
                    && deliveries.get(beforeSubscription).number() < number
                    && deliveries.get(deliveries.size() - 1).number() > number;
        }

        /** Whether an earlier one came since the answer. */
        boolean follows(int number) {
            return beforeSubscription < deliveries.size()
                    && deliveries.get(beforeSubscription).number() < number;
        }

        /** What came before and after a number, for messages. */
        String around(int number) {
            Delivery before = null;
            for (Delivery delivery : deliveries) {
                if (delivery.number() > number) {
                    return "subscribed at %d, got %s, then %s".formatted(subscribed, before, delivery);
                }
                before = delivery;
            }
            return "subscribed at %d, got %s last".formatted(subscribed, before);
        }
    }
}
