package dev.sluice.bench.attack;

import dev.sluice.bench.attack.Attackers.Tally;
import dev.sluice.bench.contender.Contender.Credentials;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** One of those who attack, each on a thread of its own: what it has to do it with. */
final class Attacker implements AutoCloseable {

    private final int number;
    private final InetSocketAddress pod;
    private final Tally tally;
    private final String token;
    private final String since;
    private final List<RawSocket> held = new ArrayList<>();
    private long next = System.nanoTime();
    private int rounds;
    private volatile boolean over;

    /**
     * @param number which one it is
     * @param since the position that it has, where it has one
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

    /** Lets it do nothing more; what it holds on to stays as it is. */
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

    /** Whom it claims to be, rightly. */
    String user() {
        return "attacker" + number;
    }

    /** How often this has been asked before. */
    int round() {
        return rounds++;
    }

    /** What it holds on to when it stops, for the pod to get rid of. */
    List<RawSocket> held() {
        return held;
    }

    /** Waits for so long that it does this no more often than so many times in a second. */
    void pace(double perSecond) {
        next = Math.max(next, System.nanoTime() - TimeUnit.SECONDS.toNanos(1))
                + (long) (TimeUnit.SECONDS.toNanos(1) / perSecond);
        for (long wait = next - System.nanoTime(); wait > 0; wait = next - System.nanoTime()) {
            LockSupport.parkNanos(wait);
        }
    }

    RawSocket connect() throws IOException {
        return new RawSocket(pod);
    }

    /** A WebSocket of nobody in particular yet. */
    RawSocket webSocket() throws IOException {
        RawSocket socket = connect();
        try {
            int status = socket.upgrade();
            tally.answered(status);
            if (status != RawSocket.SWITCHING_PROTOCOLS) {
                throw new IOException("no WebSocket");
            }
            return socket;
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    /** A WebSocket of {@link #user()}. */
    RawSocket authenticated() throws IOException {
        RawSocket socket = webSocket();
        try {
            socket.message(authentication(token));
            socket.heard();
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
        for (RawSocket socket : held) {
            socket.close();
        }
    }
}
