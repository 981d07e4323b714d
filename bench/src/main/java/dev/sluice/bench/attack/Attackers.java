package dev.sluice.bench.attack;

import dev.sluice.bench.process.Command;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;

/**
 * All who attack, from when they begin. They get only what the others leave of their core, so that what those notice is the
 * pod's doing.
 */
final class Attackers implements AutoCloseable {

    private static final long RESPITE_NANOS = TimeUnit.MICROSECONDS.toNanos(100);

    private final Attack attack;
    private final Tally tally = new Tally();
    private final List<Attacker> attackers = new ArrayList<>();
    private final List<Thread> threads = new ArrayList<>();
    private final AtomicReference<RuntimeException> failure = new AtomicReference<>();

    private Attackers(Attack attack, InetSocketAddress pod, String since) {
        this.attack = attack;
        for (int i = 0; i < attack.attackers(); i++) {
            Attacker attacker = new Attacker(i, pod, tally, since);
            attackers.add(attacker);
            threads.add(new Thread(() -> attack(attacker), "attacker-" + i));
        }
    }

    /** @param since the position that they have, where they have one */
    static Attackers begin(Attack attack, InetSocketAddress pod, String since) {
        Attackers attackers = new Attackers(attack, pod, since);
        attackers.threads.forEach(Thread::start);
        return attackers;
    }

    Tally tally() {
        return tally;
    }

    /** Lets them do nothing more; connections that they hold stay as they are. Returns once they have stopped. */
    void stop() {
        end();
        if (failure.get() != null) {
            throw failure.get();
        }
    }

    private void end() {
        attackers.forEach(Attacker::stop);
        try {
            for (Thread thread : threads) {
                thread.join();
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException("interrupted", e);
        }
    }

    private void attack(Attacker attacker) {
        try {
            yieldToAll();
            while (!attacker.isOver()) {
                try {
                    attack.once(attacker);
                } catch (IOException refusedOrCutOff) {
                    // As it should be; once more.
                    LockSupport.parkNanos(RESPITE_NANOS);
                }
            }
        } catch (IOException e) {
            failure.set(new IllegalStateException("can't tell which thread this is", e));
        } catch (RuntimeException e) {
            failure.set(e);
        }
    }

    /** The thread that calls this gets a core from now on only while nobody else wants it. */
    private static void yieldToAll() throws IOException {
        String thread = Path.of("/proc/thread-self").toRealPath().getFileName().toString();
        Command.output("chrt", "--idle", "--pid", "0", thread)
                .orElseThrow(() -> new IllegalStateException("chrt fails, or there is none"));
    }

    @Override
    public void close() {
        end();
        attackers.forEach(Attacker::close);
    }

    /** What attackers have done, and what they were told for it. For several threads. */
    static final class Tally {

        /** What newcomers are told: that they are in, or the end before they are. */
        static final String WELCOME = "welcome";

        static final String TURNED_AWAY = "turned-away";

        private final LongAdder done = new LongAdder();
        private final Map<String, LongAdder> answers = new ConcurrentHashMap<>();

        void did(int howMany) {
            done.add(howMany);
        }

        /** Somebody was answered: with a status of HTTP, or the code of a close. */
        void answered(int code) {
            answered(Integer.toString(code));
        }

        void answered(String answer) {
            answers.computeIfAbsent(answer, first -> new LongAdder()).increment();
        }

        long done() {
            return done.sum();
        }

        Map<String, Long> answers() {
            Map<String, Long> sums = new TreeMap<>();
            answers.forEach((answer, count) -> sums.put(answer, count.sum()));
            return sums;
        }
    }
}
