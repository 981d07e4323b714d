package dev.sluice.stream;

import dev.sluice.clock.EntryId;
import dev.sluice.config.SluiceConfig;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Payload;
import dev.sluice.outbox.PublicationFormat;
import dev.sluice.route.Channel;
import dev.sluice.stream.StreamReader.Standing;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Reads what a client missed of a stream, slice by slice, until the channel's cursor is reached. */
@Singleton
public final class StreamReplay {

    /** By how much the clocks of pods may differ. */
    private static final Duration MARGIN = Duration.ofMinutes(1);

    private final StreamReader reader;
    private final long lifeMillis;
    private final LongSupplier time;

    @Inject
    StreamReplay(StreamReader reader, SluiceConfig config) {
        this(reader, config.streams().maxAge(), System::currentTimeMillis);
    }

    /**
     * Creates replays.
     *
     * @param life how long a stream lasts after its last entry, at least
     * @param time in milliseconds since 1970
     */
    StreamReplay(StreamReader reader, Duration life, LongSupplier time) {
        this.reader = reader;
        this.lifeMillis = life.minus(MARGIN).toMillis();
        this.time = time;
    }

    /**
     * How far a client has got.
     *
     * @param after the last entry that it has
     * @param emptyTime when it was told that the stream had none, in milliseconds since 1970; 0 if that is unknown
     */
    public record Progress(Channel channel, EntryId after, ReadSize size, long emptyTime) {

        /** Returns the progress of a client that has nothing after the entry, or after its {@link EntryId#position}. */
        public static Progress since(Channel channel, EntryId after) {
            long emptyTime = after.emptyTime();
            return new Progress(channel, emptyTime == 0 ? after : EntryId.ZERO, new ReadSize(), emptyTime);
        }

        /** Returns the progress of a client that has got entries up to this one. */
        Progress upTo(EntryId last) {
            return new Progress(channel, last, size, emptyTime);
        }
    }

    /**
     * A part of what a client missed.
     *
     * @param connected whether it has every entry that the stream ever had between its first one and the client's last, and
     *     none was too large
     * @param complete whether only publications with a higher sequence are missing after it
     * @param progress that of a client which has received the slice
     */
    public record Slice(List<Payload> payloads, boolean connected, boolean complete, long sequence, Progress progress) {

        /** Returns the slice for a client that can't get its entries, because they are too large for it. */
        public Slice lost() {
            return new Slice(List.of(), false, complete, sequence, progress);
        }
    }

    /**
     * What a client can get of a stream.
     *
     * @param connected whether it gets every entry after its last one that the stream ever had
     * @param after what it gets begins after this entry
     */
    public record Check(boolean connected, EntryId after) {}

    /**
     * Finds out what a client can get of a stream. The channel must have listeners. Thread-safe.
     *
     * @param position the last entry that it has
     * @param receiver called on the source's thread; with {@code null} if Redis does not answer
     */
    public void check(Channel channel, EntryId position, Consumer<@Nullable Check> receiver) {
        Progress progress = Progress.since(channel, position);
        EntryId after = progress.after();
        reader.join(channel, before -> {
            if (before == null) {
                receiver.accept(null);
                return;
            }
            if (after.equals(EntryId.BEGINNING)) {
                receiver.accept(new Check(true, EntryId.ZERO));
                return;
            }
            reader.replay(
                    channel,
                    after,
                    1,
                    read -> {
                        EntryId newest = before.after();
                        boolean connected = read.isEmpty()
                                ? stayedEmpty(progress, newest)
                                : read.get(0).id().equals(after);
                        receiver.accept(new Check(connected, newest.precedes(after) ? newest : after));
                    },
                    failure -> receiver.accept(null));
        });
    }

    /**
     * Reads a slice. The channel must have listeners. Thread-safe.
     *
     * @param maxBytes about what it may take in an outbox; it has at least one entry if there is one
     * @param format that of the connection
     * @param receiver called on the source's thread; with {@code null} if Redis does not answer
     */
    public void read(Progress progress, int maxBytes, PublicationFormat format, Consumer<@Nullable Slice> receiver) {
        Channel channel = progress.channel();
        reader.join(channel, before -> {
            if (before == null) {
                receiver.accept(null);
                return;
            }
            boolean all = progress.after().equals(EntryId.BEGINNING);
            int count = progress.size().count(reader.limits.maxEntries());
            reader.replay(
                    channel,
                    all ? EntryId.ZERO : progress.after(),
                    count,
                    read -> receiver.accept(slice(progress, maxBytes, format, before, read, count)),
                    failure -> receiver.accept(null));
        });
    }

    private @Nullable Slice slice(
            Progress progress, int maxBytes, PublicationFormat format, Standing before, List<Entry> read, int count) {
        Standing now = reader.standing(progress.channel());
        if (now == null) {
            return null;
        }
        EntryId from = progress.after();
        boolean all = from.equals(EntryId.BEGINNING);
        boolean found = !read.isEmpty() && read.get(0).id().equals(from);
        boolean connected = all || found || (read.isEmpty() && stayedEmpty(progress, now.after()));
        List<Entry> entries = found ? read.subList(1, read.size()) : read;
        progress.size().adapt(read.size(), Entry.bytes(read), maxBytes);
        if (!all && now.after().precedes(from)) {
            // The cursor has not reached the client yet, unless the stream has lost the client's last entry.
            return new Slice(List.of(), connected, !connected, now.sequence(), progress);
        }
        List<Payload> payloads = new ArrayList<>();
        EntryId last = all ? EntryId.ZERO : from;
        long bytes = 0;
        boolean skipped = false;
        boolean whole = read.size() < count && before.after().equals(now.after());
        for (Entry entry : entries) {
            if (now.after().precedes(entry.id())) {
                break;
            }
            if (entry.payload() == null && !payloads.isEmpty()) {
                // The next slice begins with what is lost, so that the client is told in the right place.
                whole = false;
                break;
            }
            Payload payload = reader.entries.payload(progress.channel(), entry, now.sequence());
            if (payload == null) {
                skipped = true;
            } else {
                // Some connections send each entry by itself.
                bytes += Frame.OVERHEAD
                        + Frame.encodedLength(payload.bytes().length)
                        + format.overhead(progress.channel(), payload);
                if (bytes > maxBytes && !payloads.isEmpty()) {
                    whole = false;
                    break;
                }
                payloads.add(payload);
            }
            last = entry.id();
        }
        return new Slice(
                payloads,
                connected && !skipped,
                whole || !last.precedes(now.after()),
                now.sequence(),
                progress.upTo(last));
    }

    /**
     * Whether a stream that had no entry when the client left, and has none now, had none meanwhile. Redis knows nothing of
     * streams that are gone, so this relies on their life: an entry of the time between would still be there.
     */
    private boolean stayedEmpty(Progress progress, EntryId newest) {
        long away = time.getAsLong() - progress.emptyTime();
        return progress.after().equals(EntryId.ZERO)
                && newest.equals(EntryId.ZERO)
                && away < lifeMillis
                && away > -MARGIN.toMillis();
    }
}
