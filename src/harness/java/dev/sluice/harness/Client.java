package dev.sluice.harness;

import static org.awaitility.Awaitility.await;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;

/** A well-behaved WebSocket client, based on the JDK's. */
public final class Client implements WebSocket.Listener, AutoCloseable {

    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static final long PATIENCE_SECONDS = 60;

    private static final String PING = "{\"action\":\"ping\"}";
    private static final String GAP = "{\"action\":\"gap\",";

    private final BlockingQueue<Object> received = new LinkedBlockingQueue<>();
    private final BlockingQueue<String> gaps = new LinkedBlockingQueue<>();
    private final Semaphore pings = new Semaphore(0);
    private final CompletableFuture<Integer> closed = new CompletableFuture<>();
    private final StringBuilder text = new StringBuilder();
    private final ByteArrayOutputStream binary = new ByteArrayOutputStream();
    private WebSocket socket;

    private Client() {}

    public static Client connect(URI uri) {
        return connect(uri, Map.of());
    }

    public static Client connect(URI uri, Map<String, String> headers, String... subprotocols) {
        return connect(HTTP, uri, headers, subprotocols);
    }

    /** Connects with an HTTP client that has its own trust settings. */
    public static Client connect(HttpClient http, URI uri, Map<String, String> headers, String... subprotocols) {
        Client client = new Client();
        WebSocket.Builder builder = http.newWebSocketBuilder();
        headers.forEach(builder::header);
        if (subprotocols.length > 0) {
            builder.subprotocols(subprotocols[0], Arrays.copyOfRange(subprotocols, 1, subprotocols.length));
        }
        client.socket = builder.buildAsync(uri, client).join();
        return client;
    }

    /** Returns the status of a refused upgrade. */
    public static int refusal(URI uri, Map<String, String> headers, String... subprotocols) {
        try {
            connect(uri, headers, subprotocols).close();
            throw new AssertionError("the upgrade was not refused");
        } catch (CompletionException e) {
            if (e.getCause() instanceof WebSocketHandshakeException refused) {
                return refused.getResponse().statusCode();
            }
            throw e;
        }
    }

    /** Connects, and authenticates as the user. */
    public static Client of(Pod pod, String user) {
        Client client = connect(pod.webSocket("/ws/uploads"));
        client.authenticate(Tokens.of(user));
        String answer = client.next();
        if (!answer.equals("{\"action\":\"auth_success\",\"user_id\":\"" + user + "\"}")) {
            throw new AssertionError("not authenticated: " + answer);
        }
        return client;
    }

    /** Returns the close code for a token of user 7, 0 if it is accepted. */
    public static int outcome(Pod pod, String token) {
        try (Client client = connect(pod.webSocket("/ws")).authenticate(token)) {
            AtomicBoolean accepted = new AtomicBoolean();
            await("an answer").atMost(PATIENCE_SECONDS, TimeUnit.SECONDS).until(() -> {
                accepted.set(client.hasHeard("{\"action\":\"auth_success\",\"user_id\":\"7\"}"));
                return accepted.get() || !client.isOpen();
            });
            return accepted.get() ? 0 : client.closeCode();
        }
    }

    public Client authenticate(String token) {
        return send("{\"type\":\"auth\",\"token\":\"" + token + "\"}");
    }

    /**
     * Subscribes to an upload like clients of the Python system, and awaits the answer, which must be the next message.
     */
    public Client subscribe(String upload) {
        send("{\"action\":\"subscribe_upload\",\"upload_id\":\"" + upload + "\"}");
        String answer = next();
        if (!answer.equals(subscribed(upload))) {
            throw new AssertionError("not subscribed: " + answer);
        }
        return this;
    }

    /** Subscribes to an upload with a retained publication, which is the next message. */
    public Client subscribeToRetained(String upload) {
        if (!subscribes(upload)) {
            throw new AssertionError("nothing is retained of " + upload);
        }
        return this;
    }

    /** Subscribes to the upload, awaits the answer, and returns whether a retained publication follows. */
    public boolean subscribes(String upload) {
        send("{\"action\":\"subscribe\",\"channel\":\"upload:" + upload + "\"}");
        String answer = next();
        boolean retained =
                answer.equals("{\"action\":\"subscribed\",\"channel\":\"upload:" + upload + "\",\"retained\":true}");
        if (!retained && !answer.equals(subscribed(upload))) {
            throw new AssertionError("not subscribed: " + answer);
        }
        return retained;
    }

    /** Unsubscribes from the upload, and awaits the answer, which must be the next message. */
    public Client unsubscribe(String upload) {
        send("{\"action\":\"unsubscribe_upload\",\"upload_id\":\"" + upload + "\"}");
        String answer = next();
        if (!answer.equals("{\"action\":\"unsubscribed\",\"channel\":\"upload:" + upload + "\"}")) {
            throw new AssertionError("not unsubscribed: " + answer);
        }
        return this;
    }

    public Client send(String message) {
        socket.sendText(message, true).join();
        return this;
    }

    public Client send(byte[] message) {
        socket.sendBinary(ByteBuffer.wrap(message), true).join();
        return this;
    }

    /** Sends one message in two frames. */
    public Client sendInParts(String one, String two) {
        socket.sendText(one, false).join();
        socket.sendText(two, true).join();
        return this;
    }

    public String subprotocol() {
        return socket.getSubprotocol();
    }

    /** Returns the next text message. */
    public String next() {
        return (String) nextOfAnyKind();
    }

    /** Awaits a ping message. */
    public void nextPing() {
        try {
            if (!pings.tryAcquire(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                throw new AssertionError("no ping came");
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Whether a ping message has arrived. */
    public boolean hasHeardPing() {
        return pings.tryAcquire();
    }

    /** Returns the next gap message. */
    public String nextGap() {
        return next(gaps);
    }

    /** Whether a gap message has arrived; removes it. */
    public boolean hasHeardOfGap() {
        return gaps.poll() != null;
    }

    public byte[] nextBinary() {
        return (byte[]) nextOfAnyKind();
    }

    /** Asserts that no message arrives before the answer to a ping sent now. */
    public void assertNothingMore() {
        send("{\"action\":\"nothing more\"}");
        String answer = next();
        if (!answer.contains("unknown_action")) {
            throw new AssertionError("unexpected: " + answer);
        }
    }

    /** Whether a message has arrived; removes it. */
    public boolean hasHeardAnything() {
        return received.poll() != null;
    }

    /** Drops messages until the given one arrives. */
    public void awaitMessage(String message) {
        while (!next().equals(message)) {
            Thread.onSpinWait();
        }
    }

    /** Whether the message has arrived; removes all messages. */
    public boolean hasHeard(String message) {
        return rest().contains(message);
    }

    /** Removes and returns all messages. */
    public List<Object> rest() {
        List<Object> heard = new ArrayList<>();
        received.drainTo(heard);
        return heard;
    }

    /** Removes and returns all gap messages. */
    public List<String> restOfGaps() {
        List<String> heard = new ArrayList<>();
        gaps.drainTo(heard);
        return heard;
    }

    public boolean isOpen() {
        return !closed.isDone();
    }

    /** Awaits the close code; 1006 for an end without one. */
    public int closeCode() {
        try {
            return closed.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            throw new AssertionError("not closed", e);
        }
    }

    @Override
    public void close() {
        socket.abort();
    }

    /** Closes with a closing handshake, like a page that the user leaves. */
    public void leave() {
        socket.sendClose(WebSocket.NORMAL_CLOSURE, "").join();
    }

    @Override
    public CompletionStage<?> onText(WebSocket from, CharSequence part, boolean last) {
        text.append(part);
        if (last) {
            // Ping and gap messages may arrive at any time.
            String message = text.toString();
            if (message.equals(PING)) {
                pings.release();
            } else if (message.startsWith(GAP)) {
                gaps.add(message);
            } else {
                received.add(message);
            }
            text.setLength(0);
        }
        from.request(1);
        return null;
    }

    @Override
    public CompletionStage<?> onBinary(WebSocket from, ByteBuffer part, boolean last) {
        byte[] bytes = new byte[part.remaining()];
        part.get(bytes);
        binary.writeBytes(bytes);
        if (last) {
            received.add(binary.toByteArray());
            binary.reset();
        }
        from.request(1);
        return null;
    }

    @Override
    public CompletionStage<?> onClose(WebSocket from, int code, String reason) {
        closed.complete(code);
        return null;
    }

    @Override
    public void onError(WebSocket from, Throwable error) {
        closed.complete(error instanceof IOException ? 1006 : -1);
    }

    private static String subscribed(String upload) {
        return "{\"action\":\"subscribed\",\"channel\":\"upload:" + upload + "\"}";
    }

    private Object nextOfAnyKind() {
        return next(received);
    }

    private <T> T next(BlockingQueue<T> queue) {
        try {
            T next = queue.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
            if (next == null) {
                throw new AssertionError("nothing came" + (closed.isDone() ? ", closed with " + closed.join() : ""));
            }
            return next;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
