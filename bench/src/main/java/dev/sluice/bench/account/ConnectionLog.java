package dev.sluice.bench.account;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** All that one connection heard and was told, in order. */
public final class ConnectionLog {

    /**
     * A gap it was told of.
     *
     * @param until {@link Long#MAX_VALUE} where it has not been told
     * @param told when it was told of it first
     */
    record Gap(long since, long until, long told) {

        boolean isOpen() {
            return until == Long.MAX_VALUE;
        }
    }

    private final Map<String, ChannelLog> channels = new LinkedHashMap<>();
    private final Map<Long, Gap> gaps = new LinkedHashMap<>();
    private long ended = Long.MAX_VALUE;
    private String ending = "";

    /** The answer came; from now on the channel must be heard. */
    public void subscribed(String channel, long at, boolean retained) {
        channel(channel).subscribed(at, retained);
    }

    public void heard(String channel, int number, long at) {
        channel(channel).heard(number, at);
    }

    public void missed(String channel, int count) {
        channel(channel).missed(count);
    }

    /** @param until empty while the gap lasts */
    public void gap(long since, Optional<Long> until, long at) {
        long told = gaps.containsKey(since) ? gaps.get(since).told() : at;
        gaps.put(since, new Gap(since, until.orElse(Long.MAX_VALUE), told));
    }

    /**
     * It is closed, or could not be opened.
     *
     * @param how the close code, or else what happened, in words
     */
    public void end(String how, long at) {
        ending = how;
        ended = at;
    }

    boolean hasEnded() {
        return ended != Long.MAX_VALUE;
    }

    /** {@link Long#MAX_VALUE} where it has not. */
    long ended() {
        return ended;
    }

    String ending() {
        return ending;
    }

    /** When the last of these subscriptions was answered; {@link Long#MAX_VALUE} where one was not. */
    long subscribedToAll(Collection<String> names) {
        return names.stream()
                .mapToLong(name -> channel(name).subscribed())
                .max()
                .orElse(Long.MAX_VALUE);
    }

    ChannelLog channel(String channel) {
        return channels.computeIfAbsent(channel, name -> new ChannelLog());
    }

    Map<String, ChannelLog> channels() {
        return channels;
    }

    Collection<Gap> gaps() {
        return gaps.values();
    }
}
