package dev.sluice.guard;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import org.junit.jupiter.api.Test;

class TurnSchedulerTest {

    private final Queue<Runnable> afterTurn = new ArrayDeque<>();
    private final TurnScheduler scheduler = new TurnScheduler(afterTurn::add);
    private final List<String> done = new ArrayList<>();

    @Test
    void eachTurnStartsOneUpgrade() {
        upgrade("a");
        upgrade("b");
        upgrade("c");
        assertThat(done).containsExactly("a");
        turn();
        assertThat(done).containsExactly("a", "b");
        turn();
        assertThat(done).containsExactly("a", "b", "c");
    }

    @Test
    void turnHandlesMessagesUpToItsBudget() {
        int bytes = TurnScheduler.PER_TURN / 2;
        message("a", bytes);
        message("b", bytes);
        message("c", bytes);
        assertThat(done).containsExactly("a", "b");
        turn();
        assertThat(done).containsExactly("a", "b", "c");
    }

    @Test
    void addedWorkRunsAfterTheWorkThatAddedIt() {
        scheduler.add(() -> {
            message("b", 1);
            done.add("a");
        });
        assertThat(done).containsExactly("a", "b");
    }

    @Test
    void idleEventLoopHasNoTask() {
        upgrade("a");
        turn();
        assertThat(afterTurn).isEmpty();
    }

    private void upgrade(String name) {
        scheduler.add(() -> {
            done.add(name);
            scheduler.spend(TurnScheduler.REQUEST);
        });
    }

    private void message(String name, int bytes) {
        scheduler.add(() -> {
            done.add(name);
            scheduler.spend(bytes);
        });
    }

    private void turn() {
        for (int tasks = afterTurn.size(); tasks > 0; tasks--) {
            afterTurn.remove().run();
        }
    }
}
