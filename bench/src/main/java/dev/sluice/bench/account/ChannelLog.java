package dev.sluice.bench.account;

import java.util.ArrayList;
import java.util.List;

/** What one connection heard of one channel, in order. */
final class ChannelLog {

    /**
     * Something that was heard.
     *
     * @param missedBefore how many the connection was told to have missed, since the one before
     * @param retained whether it had been announced as one that is older than the subscription
     */
    record Delivery(int number, long at, int missedBefore, boolean retained) {}

    private final List<Delivery> deliveries = new ArrayList<>();
    private long subscribed = Long.MAX_VALUE;
    private int beforeSubscription;
    private boolean retainedNext;
    private int missed;

    void subscribed(long at, boolean retained) {
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

    /** When the subscription was answered; {@link Long#MAX_VALUE} where it was not. */
    long subscribed() {
        return subscribed;
    }

    List<Delivery> deliveries() {
        return deliveries;
    }

    /** Whether it must bring a publication that was sent then: all that is sent once it has been answered. */
    boolean coversSending(long sent) {
        return sent >= subscribed;
    }

    /**
     * Whether the number lies between others that it has brought since it was answered: a channel is in order.
     */
    boolean encloses(int number) {
        return beforeSubscription < deliveries.size()
                && deliveries.get(beforeSubscription).number() < number
                && deliveries.get(deliveries.size() - 1).number() > number;
    }

    /** Whether it has brought an earlier one since it was answered. */
    boolean follows(int number) {
        return beforeSubscription < deliveries.size()
                && deliveries.get(beforeSubscription).number() < number;
    }

    /** What is known around a number, in words. */
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
