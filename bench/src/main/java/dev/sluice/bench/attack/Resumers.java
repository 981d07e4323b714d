package dev.sluice.bench.attack;

import dev.sluice.bench.process.BenchFailure;
import dev.sluice.bench.traffic.Load;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Those who were here before, and all come back at once for what they have missed. */
final class Resumers {

    /** How long they have been away when the first of them come back. */
    static final Duration ABSENCE = Duration.ofSeconds(60);

    /** Channels that the others hear. */
    private static final int UPLOADS = Load.of(AttackProgram.CLIENTS).uploads();

    private static final String SUBPROTOCOL = "Sec-WebSocket-Protocol: sluice.v2\r\n";
    private static final Pattern AT = Pattern.compile("\"at\":\"([^\"]+)\"");
    private static final String MARK = "{\"action\":\"mark\"";

    private Resumers() {}

    /** The position that a client has now. */
    static String position(InetSocketAddress pod) {
        try (Attacker anybody = new Attacker(0, pod, new Attackers.Tally(), "");
                RawSocket socket = connect(anybody)) {
            socket.message(Attacker.authentication(anybody.token()));
            Matcher at = AT.matcher(socket.heard());
            if (!at.find()) {
                throw new BenchFailure("the pod has no positions");
            }
            return at.group(1);
        } catch (IOException e) {
            throw new BenchFailure("no position", e);
        }
    }

    /** It leaves once it has been sent everything, and is back at once. */
    static void resume(Attacker by) throws IOException {
        try (RawSocket socket = connect(by)) {
            String since = "\"since\":\"" + by.since() + "\"}";
            socket.message("{\"type\":\"auth\",\"token\":\"" + by.token() + "\"," + since);
            socket.message("{\"action\":\"subscribe\",\"channel\":\"upload:" + by.number() % UPLOADS + "\"," + since);
            for (int answers = 0; answers < 2; ) {
                String text = socket.heard();
                if (text.contains("\"recovered\":")) {
                    answers++;
                    by.tally().answered(text.contains("\"recovered\":true") ? "recovered" : "not-recovered");
                }
            }
            while (!socket.heard().startsWith(MARK)) {
                by.tally().answered("replayed");
            }
            by.tally().did(1);
        }
    }

    private static RawSocket connect(Attacker by) throws IOException {
        RawSocket socket = by.connect();
        try {
            int status = socket.upgrade(SUBPROTOCOL);
            by.tally().answered(status);
            if (status != RawSocket.SWITCHING_PROTOCOLS) {
                throw new IOException("no WebSocket");
            }
            return socket;
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }
}
