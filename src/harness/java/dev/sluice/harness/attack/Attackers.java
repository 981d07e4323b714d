package dev.sluice.harness.attack;

import dev.sluice.harness.HttpConnection;
import dev.sluice.harness.attack.WebSocketAttacks.Resumers;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;

/** The attackers of one attack, each of which repeats one step until it is stopped. */
public final class Attackers implements AutoCloseable {

    private static final long RESPITE_NANOS = TimeUnit.MICROSECONDS.toNanos(100);

    private final Step step;
    private final Tally tally = new Tally();
    private final List<Attacker> attackers = new ArrayList<>();
    private final List<Thread> threads = new ArrayList<>();
    private final AtomicReference<RuntimeException> failure = new AtomicReference<>();

    private Attackers(int howMany, Step step, Target target) {
        this.step = step;
        for (int i = 0; i < howMany; i++) {
            Attacker attacker = new Attacker(i, target, tally);
            attackers.add(attacker);
            threads.add(new Thread(() -> attack(attacker), "attacker-" + i));
        }
    }

    public static Attackers begin(Attack attack, Target target) {
        return begin(attack.attackers(), attack.step(), target);
    }

    /** Starts attackers outside an {@link Attack}. */
    public static Attackers begin(int howMany, Step step, Target target) {
        Attackers attackers = new Attackers(howMany, step, target);
        attackers.threads.forEach(Thread::start);
        return attackers;
    }

    /** The current position of a client, to resume from later. */
    public static String position(Target target) {
        return Resumers.position(target);
    }

    public Tally tally() {
        return tally;
    }

    /** Ends the attack, and returns when all have stopped; connections that they hold stay open. */
    public void stop() {
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
            attacker.target.onStart().run();
            while (!attacker.isOver()) {
                try {
                    step.once(attacker);
                } catch (IOException refusedOrCutOff) {
                    // As expected.
                    LockSupport.parkNanos(RESPITE_NANOS);
                }
            }
        } catch (RuntimeException e) {
            failure.set(e);
        }
    }

    @Override
    public void close() {
        end();
        attackers.forEach(Attacker::close);
    }

    /**
     * What attackers know.
     *
     * @param pod its address
     * @param tokens signs tokens that it accepts
     * @param since a position to resume from, if the attack does that
     * @param onStart run by each attacker's thread first
     */
    public record Target(InetSocketAddress pod, Signer tokens, String since, Runnable onStart) {

        public Target(InetSocketAddress pod, Signer tokens) {
            this(pod, tokens, "", () -> {});
        }

        /** A token with a wrong signature. */
        String forgedToken() {
            String token = tokens.of("attacker");
            int signature = token.lastIndexOf('.') + 1;
            return token.substring(0, signature) + "A".repeat(token.length() - signature);
        }
    }

    /** One step of an attacker, repeated. */
    public interface Step {
        void once(Attacker by) throws IOException;
    }

    /** Signs tokens. */
    public interface Signer {

        /**
         * Returns a token of the user.
         *
         * @param groups the user's roles over HTTP
         */
        String of(String user, String... groups);

        /** A token that names another key than the one it is signed with. */
        default String ofKey(String keyId, String user) {
            throw new UnsupportedOperationException("attacks with a key server need one");
        }
    }

    /** The number of things that attackers did, and the answers that they got. Thread-safe. */
    public static final class Tally {

        /** Answers to new clients with a valid token: the welcome, or a close before it. */
        public static final String WELCOME = "welcome";

        public static final String TURNED_AWAY = "turned-away";

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

        public long done() {
            return done.sum();
        }

        public Map<String, Long> answers() {
            Map<String, Long> sums = new TreeMap<>();
            answers.forEach((answer, count) -> sums.put(answer, count.sum()));
            return sums;
        }
    }

    /** One attacker, which has its own thread, user and sockets. */
    public static final class Attacker implements AutoCloseable {

        /** Less than the time within which nothing of an attack must be left. */
        private static final int PATIENCE_MILLIS = 20_000;

        private final int number;
        private final Target target;
        private final Tally tally;
        private final String token;
        private final Map<String, String> requests = new HashMap<>();
        private final List<HttpConnection> held = new ArrayList<>();
        private long next = System.nanoTime();
        private int rounds;
        private volatile boolean over;

        Attacker(int number, Target target, Tally tally) {
            this.number = number;
            this.target = target;
            this.tally = tally;
            this.token = target.tokens().of(user());
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

        Target target() {
            return target;
        }

        /** The user of its valid token. */
        String user() {
            return "attacker" + number;
        }

        /** The number of earlier calls. */
        int round() {
            return rounds++;
        }

        /** Requests with its tokens, by the same without them. */
        Map<String, String> requests() {
            return requests;
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
            return connect(0);
        }

        /** @param buffer the size of the receive buffer in bytes; 0 for the system's */
        HttpConnection connect(int buffer) throws IOException {
            HttpConnection connection = new HttpConnection(target.pod(), PATIENCE_MILLIS, buffer);
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
