package dev.sluice.feed;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Awaits the parts of a request for channels of several shards. Confined to the feed's thread. */
final class JoinedShards implements Consumer<@Nullable Runnable> {

    private final Consumer<@Nullable Runnable> then;
    private final List<Runnable> releases = new ArrayList<>();
    private int missing;
    private boolean refused;

    /** @param then called after the last part; see {@link WantedChannels#join} */
    JoinedShards(int parts, Consumer<@Nullable Runnable> then) {
        this.missing = parts;
        this.then = then;
    }

    /** One part is answered. */
    @Override
    public void accept(@Nullable Runnable release) {
        missing--;
        if (release == null) {
            refused = true;
        } else {
            releases.add(release);
        }
        if (missing == 0) {
            Runnable whole = () -> releases.forEach(Runnable::run);
            if (refused) {
                whole.run();
                then.accept(null);
            } else {
                then.accept(whole);
            }
        }
    }
}
