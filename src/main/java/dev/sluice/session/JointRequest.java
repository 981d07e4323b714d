package dev.sluice.session;

import dev.sluice.clock.EntryId;
import dev.sluice.clock.Position;
import dev.sluice.route.Channel;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The channels of one request. They are answered together, once it is decided for each whether the client may hear it,
 * because their publications are replayed in one order. Confined to the connection's event loop.
 */
final class JointRequest {

    private record Release(Channel channel, Runnable action) {}

    private final @Nullable Position since;
    private final @Nullable EntryId entry;
    private final boolean strict;
    private final BiConsumer<Client, Channel> afterAnswer;
    private final List<Channel> allowed = new ArrayList<>();
    private final List<Release> onSettled = new ArrayList<>(0);
    /** The number of undecided channels, plus one for the request itself until all its channels are counted. */
    private int undecided = 1;

    /** Creates a request whose channels have not been checked yet. */
    JointRequest(@Nullable Position since, @Nullable EntryId entry, boolean strict) {
        this(since, entry, strict, (client, channel) -> {});
    }

    /**
     * Creates a request whose channels have not been checked yet.
     *
     * @param afterAnswer called for each channel to which the client has subscribed, once the client is told so
     */
    JointRequest(
            @Nullable Position since,
            @Nullable EntryId entry,
            boolean strict,
            BiConsumer<Client, Channel> afterAnswer) {
        this.afterAnswer = afterAnswer;
        this.since = since;
        this.entry = entry;
        this.strict = strict;
    }

    /** The client's position; {@code null} if it has none. */
    @Nullable
    Position since() {
        return since;
    }

    /** The last entry that the client has of its streams; {@code null} if it has named none. */
    @Nullable
    EntryId entry() {
        return entry;
    }

    /** Whether the client has named the position or the entry from which it continues. */
    boolean asked() {
        return since != null || entry != null;
    }

    /** Whether the client prefers an error to a subscription that is not recovered. */
    boolean strict() {
        return strict;
    }

    /** Records that the client was told that it has subscribed to the channel. */
    void answered(Client client, Channel channel) {
        afterAnswer.accept(client, channel);
    }

    /** Adds an undecided channel. */
    void await() {
        undecided++;
    }

    /** Records that the client may hear the channel. */
    void allow(Channel channel) {
        allowed.add(channel);
    }

    /** Records one decision; returns whether all are decided. */
    boolean decided() {
        return --undecided == 0;
    }

    /** Runs the action once the client listens to the channel, or has given up. */
    void whenSettled(Channel channel, Runnable action) {
        onSettled.add(new Release(channel, action));
    }

    /** Records that the client listens to the channels, or has given up. */
    void settled() {
        onSettled.forEach(release -> release.action.run());
    }

    /**
     * Removes the matching channels from those allowed so far, and returns them; none if the request is already
     * decided.
     */
    List<Channel> withdraw(Predicate<Channel> which) {
        if (undecided == 0) {
            return List.of();
        }
        List<Channel> withdrawn = allowed.stream().filter(which).toList();
        allowed.removeAll(withdrawn);
        List<Release> releases = onSettled.stream()
                .filter(release -> withdrawn.contains(release.channel))
                .toList();
        onSettled.removeAll(releases);
        releases.forEach(release -> release.action.run());
        return withdrawn;
    }

    /** The channels that the client may hear. */
    List<Channel> allowed() {
        return allowed;
    }
}
