package dev.sluice.harness.attack;

import dev.sluice.harness.HttpConnection;
import dev.sluice.harness.RawClient;
import dev.sluice.harness.attack.Attackers.Attacker;
import java.io.IOException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Clients that misbehave as broken programs and networks do, without an attack. */
public final class BadClients {

    /** How many run at once; together they connect {@link #PER_SECOND} times a second. */
    public static final int AT_ONCE = 10;

    private static final int PER_SECOND = 50;
    private static final int LONGEST_STAY_MILLIS = 200;
    private static final int MESSAGES = 20;
    private static final int LONGEST = 40 * 1024;
    private static final int SMALL_BUFFER = 4096;

    private BadClients() {}

    /** Subscribes, and resets the connection a moment later. */
    public static void reset(Attacker by) throws IOException {
        by.pace((double) PER_SECOND / AT_ONCE);
        try (HttpConnection socket = by.authenticated()) {
            subscribe(socket);
            stayShortly();
        }
    }

    /** Sends invalid messages, and resets the connection a moment later. */
    public static void sendGarbage(Attacker by) throws IOException {
        by.pace((double) PER_SECOND / AT_ONCE);
        ThreadLocalRandom random = ThreadLocalRandom.current();
        try (HttpConnection socket = random.nextBoolean() ? by.authenticated() : by.webSocket()) {
            for (int i = 0; i < MESSAGES; i++) {
                byte[] noise = new byte[random.nextInt(LONGEST)];
                random.nextBytes(noise);
                switch (random.nextInt(5)) {
                    case 0 -> socket.send(frame(RawClient.BINARY, noise));
                    case 1 -> socket.send(frame(RawClient.TEXT, noise));
                    case 2 -> socket.message("[".repeat(random.nextInt(1000)));
                    case 3 -> socket.message(subscription("nothing:" + random.nextInt()));
                    default -> socket.send(noise);
                }
            }
            stayShortly();
        }
    }

    /** Subscribes to everything, and never reads. */
    public static void stall(Attacker by) throws IOException {
        if (by.held().isEmpty()) {
            HttpConnection socket = by.connect(SMALL_BUFFER);
            by.held().add(socket);
            socket.upgrade("");
            socket.message(Attacker.authentication(by.token()));
            subscribe(socket);
        }
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(LONGEST_STAY_MILLIS));
    }

    private static void subscribe(HttpConnection socket) throws IOException {
        for (int i = 0; i < Attack.UPLOADS; i++) {
            socket.message(subscription("upload:" + i));
        }
    }

    private static String subscription(String channel) {
        return "{\"action\":\"subscribe\",\"channel\":\"" + channel + "\"}";
    }

    private static byte[] frame(int opcode, byte[] payload) {
        return RawClient.encoded(RawClient.FINAL | opcode, payload, 1);
    }

    private static void stayShortly() {
        LockSupport.parkNanos(
                TimeUnit.MILLISECONDS.toNanos(ThreadLocalRandom.current().nextLong(LONGEST_STAY_MILLIS)));
    }
}
