package dev.sluice.bench.attack;

import dev.sluice.bench.contender.Contender.Credentials;
import dev.sluice.harness.HttpConnection;
import dev.sluice.harness.ServerProcess;
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
 * The attackers of one attack. They run with the lowest priority of the kernel, so that they take no CPU time from the other clients, whose
 * latencies are measured.
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

    /** @param since a position to resume from, if the attack does that */
    static Attackers begin(Attack attack, InetSocketAddress pod, String since) {
        Attackers attackers = new Attackers(attack, pod, since);
        attackers.threads.forEach(Thread::start);
        return attackers;
    }

    Tally tally() {
        return tally;
    }

    /** A token with a wrong signature. */
    static String forgedToken() {
        String token = Credentials.of("attacker");
        int signature = token.lastIndexOf('.') + 1;
        return token.substring(0, signature) + "A".repeat(token.length() - signature);
    }

    /** Ends the attack, and returns when all have stopped; connections that they hold stay open. */
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
                    // As expected.
                    LockSupport.parkNanos(RESPITE_NANOS);
                }
            }
        } catch (IOException e) {
            failure.set(new IllegalStateException("can't tell which thread this is", e));
        } catch (RuntimeException e) {
            failure.set(e);
        }
    }

    /** From now on the calling thread gets a core only if no other thread wants it. */
    private static void yieldToAll() throws IOException {
        String thread = Path.of("/proc/thread-self").toRealPath().getFileName().toString();
        ServerProcess.output("chrt", "--idle", "--pid", "0", thread)
                .orElseThrow(() -> new IllegalStateException("chrt fails, or there is none"));
    }

    @Override
    public void close() {
        end();
        attackers.forEach(Attacker::close);
    }

    /** The number of things that attackers did, and the answers that they got. Thread-safe. */
    static final class Tally {

        /** Answers to new clients with a valid token: the welcome, or a close before it. */
        static final String WELCOME = "welcome";

        static final String TURNED_AWAY = "turned-away";

        private final LongAdder done = new LongAdder();
        private final Map<String, LongAdder> answers = new ConcurrentHashMap<>();

        void did(int howMany) {
            done.add(howMany);
        }

        /** An attacker got this HTTP status or close code. */
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

    /** One attacker, which has its own thread, user and sockets. */
    static final class Attacker implements AutoCloseable {

        /** Less than the time within which nothing of an attack must be left. */
        private static final int PATIENCE_MILLIS = 20_000;

        private final int number;
        private final InetSocketAddress pod;
        private final Tally tally;
        private final String token;
        private final String since;
        private final List<HttpConnection> held = new ArrayList<>();
        private long next = System.nanoTime();
        private int rounds;
        private volatile boolean over;

        /**
         * @param since a position to resume from, if the attack does that
         */
        Attacker(int number, InetSocketAddress pod, Tally tally, String since) {
            this.number = number;
            this.pod = pod;
            this.tally = tally;
            this.token = Credentials.of(user());
            this.since = since;
        }

        /** Whether it has been told to stop. */
        boolean isOver() {
            return over;
        }

        /** Ends its attack; the sockets that it holds stay open. */
        void stop() {
            over = true;
        }

        Tally tally() {
            return tally;
        }

        int number() {
            return number;
        }

        String token() {
            return token;
        }

        String since() {
            return since;
        }

        /** The user of its valid token. */
        String user() {
            return "attacker" + number;
        }

        /** The number of earlier calls. */
        int round() {
            return rounds++;
        }

        /** Sockets that stay open when it stops; the pod must close them. */
        List<HttpConnection> held() {
            return held;
        }

        /** Waits as long as it takes to limit the calls to this rate. */
        void pace(double perSecond) {
            next = Math.max(next, System.nanoTime() - TimeUnit.SECONDS.toNanos(1))
                    + (long) (TimeUnit.SECONDS.toNanos(1) / perSecond);
            for (long wait = next - System.nanoTime(); wait > 0; wait = next - System.nanoTime()) {
                LockSupport.parkNanos(wait);
            }
        }

        HttpConnection connect() throws IOException {
            HttpConnection connection = new HttpConnection(pod, PATIENCE_MILLIS);
            connection.resets();
            return connection;
        }

        /** A WebSocket without a user. */
        HttpConnection webSocket() throws IOException {
            return webSocket("");
        }

        /** A WebSocket without a user, whose request has further header lines. */
        HttpConnection webSocket(String headers) throws IOException {
            HttpConnection socket = connect();
            try {
                int status = socket.upgrade(headers);
                tally.answered(status);
                if (status != HttpConnection.SWITCHING_PROTOCOLS) {
                    throw new IOException("no WebSocket");
                }
                return socket;
            } catch (IOException e) {
                socket.close();
                throw e;
            }
        }

        /** A WebSocket of {@link #user()}. */
        HttpConnection authenticated() throws IOException {
            HttpConnection socket = webSocket();
            try {
                socket.message(authentication(token));
                socket.nextMessage();
                return socket;
            } catch (IOException e) {
                socket.close();
                throw e;
            }
        }

        static String authentication(String token) {
            return "{\"type\":\"auth\",\"token\":\"" + token + "\"}";
        }

        @Override
        public void close() {
            for (HttpConnection socket : held) {
                socket.close();
            }
        }
    }
}
