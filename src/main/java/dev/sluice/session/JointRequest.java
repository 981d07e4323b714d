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
 * The channels of one request that are answered together when all are decided, because their publications are replayed
 * in one order. Confined to the connection's event loop.
 */
final class JointRequest {

    private record Release(Channel channel, Runnable action) {}

    private final @Nullable Position since;
    private final @Nullable EntryId entry;
    private final boolean strict;
    private final BiConsumer<Client, Channel> then;
    private final List<Channel> allowed = new ArrayList<>();
    private final List<Release> onSettled = new ArrayList<>(0);
    private int undecided = 1;

    /** Creates a request whose channels have not been checked yet. */
    JointRequest(@Nullable Position since, @Nullable EntryId entry, boolean strict) {
        this(since, entry, strict, (client, channel) -> {});
    }

    /**
     * Creates a request whose channels have not been checked yet.
     *
     * @param then called for each channel to which the client has subscribed, after the answer
     */
    JointRequest(@Nullable Position since, @Nullable EntryId entry, boolean strict, BiConsumer<Client, Channel> then) {
        this.then = then;
        this.since = since;
        this.entry = entry;
        this.strict = strict;
    }

    /** The client's position; {@code null} if it has none. */
    @Nullable
    Position since() {
        return since;
    }

    /** The last entry that the client has of the channels that are streams; {@code null} if it has named none. */
    @Nullable
    EntryId entry() {
        return entry;
    }

    /** Whether the client has named where its channels are to begin. */
    boolean asked() {
        return since != null || entry != null;
    }

    /** Whether the client prefers an error to a subscription that is not recovered. */
    boolean strict() {
        return strict;
    }

    /** The client has been told that it receives the channel. */
    void answered(Client client, Channel channel) {
        then.accept(client, channel);
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

    /** The client listens to the channels, or has given up. */
    void settled() {
        onSettled.forEach(release -> release.action.run());
    }

    /** While some channels are undecided, gives up allowed ones of these; returns them. */
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
