package dev.sluice.feed;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Awaits the parts of a request for channels of several shards. Confined to the feed's thread. */
final class JoinedShards implements Consumer<@Nullable Runnable> {

    private final Consumer<@Nullable Runnable> answer;
    private final List<Runnable> releases = new ArrayList<>();
    private int missing;
    private boolean refused;

    /** @param answer called after the last part; see {@link WantedChannels#join} */
    JoinedShards(int parts, Consumer<@Nullable Runnable> answer) {
        this.missing = parts;
        this.answer = answer;
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
                answer.accept(null);
            } else {
                answer.accept(whole);
            }
        }
    }
}
