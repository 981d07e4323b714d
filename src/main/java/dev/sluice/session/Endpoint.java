package dev.sluice.session;

import dev.sluice.access.AuthenticatedUser;
import dev.sluice.clock.Position;
import dev.sluice.log.LogThrottle;
import dev.sluice.outbox.Disconnect;
import dev.sluice.protocol.ClientMessage;
import dev.sluice.protocol.ClientMessageParser;
import dev.sluice.wire.WebSocketChannel;
import io.netty.handler.codec.http.websocketx.CorruptedWebSocketFrameException;
import io.netty.handler.codec.http.websocketx.WebSocketCloseStatus;
import io.quarkus.websockets.next.CloseReason;
import io.quarkus.websockets.next.OnBinaryMessage;
import io.quarkus.websockets.next.OnClose;
import io.quarkus.websockets.next.OnError;
import io.quarkus.websockets.next.OnOpen;
import io.quarkus.websockets.next.OnTextMessage;
import io.quarkus.websockets.next.UserData;
import io.quarkus.websockets.next.UserData.TypedKey;
import io.quarkus.websockets.next.WebSocketConnection;
import io.smallrye.common.annotation.NonBlocking;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClosedException;
import java.io.IOException;
import java.util.function.Function;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * What WebSockets Next calls, handed to the session of the WebSocket. Every callback runs on the WebSocket's event loop
 * and returns at once: this version of WebSockets Next would queue what arrives meanwhile without bound.
 */
abstract class Endpoint {

    /** The user that the token of the upgrade request authenticated, if any. */
    static final TypedKey<AuthenticatedUser> IDENTITY = new TypedKey<>("sluice.identity");

    /** The position from which a client that the upgrade request authenticated resumes, if any. */
    static final TypedKey<Position> SINCE = new TypedKey<>("sluice.since");

    /** Netty handler of the TCP connection. */
    static final TypedKey<WebSocketChannel> CHANNEL = new TypedKey<>("sluice.channel");

    private static final TypedKey<Session> SESSION = new TypedKey<>("sluice.session");
    private static final Logger LOG = Logger.getLogger(Endpoint.class);

    private final LogThrottle unknown = new LogThrottle();
    private final SessionRegistry sessions;

    Endpoint(SessionRegistry sessions) {
        this.sessions = sessions;
    }

    @OnOpen
    @NonBlocking
    void open(WebSocketConnection socket) {
        UserData data = socket.userData();
        WebSocketChannel channel = data.remove(CHANNEL);
        try {
            Session session = sessions.open(socket, channel);
            data.put(SESSION, session);
            sessions.start(session, channel, data.remove(IDENTITY), data.remove(SINCE));
        } catch (Throwable e) {
            // Without a session nothing would ever close the socket.
            channel.cut();
            throw e;
        }
    }

    @OnTextMessage
    @NonBlocking
    void text(String text, WebSocketConnection socket) {
        received(session -> ClientMessageParser.parse(text, session.dialect().positioned()), socket);
    }

    @OnBinaryMessage
    @NonBlocking
    void binary(Buffer bytes, WebSocketConnection socket) {
        received(session -> new ClientMessage.NotAnObject(), socket);
    }

    @OnClose
    @NonBlocking
    void close(CloseReason reason, WebSocketConnection socket) {
        Session session = session(socket);
        if (session != null) {
            sessions.end(session, Disconnect.CLIENT_CLOSED);
        }
    }

    @OnError
    @NonBlocking
    void error(Throwable failure, WebSocketConnection socket) {
        Session session = session(socket);
        if (session != null) {
            try {
                sessions.failed(session, reason(failure));
            } finally {
                // Perhaps a message that was passed on has failed, for which no other callback comes.
                session.handled();
            }
        }
    }

    private static void received(Function<Session, ClientMessage> message, WebSocketConnection socket) {
        Session session = session(socket);
        if (session == null) {
            return;
        }
        try {
            // Before it is parsed: that costs more than all else.
            if (!session.isOver()) {
                session.received(message.apply(session));
            }
        } finally {
            session.handled();
        }
    }

    private static @Nullable Session session(WebSocketConnection socket) {
        return socket.userData().get(SESSION);
    }

    private Disconnect reason(Throwable failure) {
        if (failure instanceof CorruptedWebSocketFrameException corrupted) {
            if (corrupted.closeStatus().equals(WebSocketCloseStatus.MESSAGE_TOO_BIG)) {
                return Disconnect.FRAME_TOO_LARGE;
            }
            return corrupted.closeStatus().equals(WebSocketCloseStatus.INVALID_PAYLOAD_DATA)
                    ? Disconnect.INVALID_TEXT
                    : Disconnect.PROTOCOL_ERROR;
        }
        // Vert.x says so, and only so, that the frames of a message add up to more than allowed.
        if (failure instanceof IllegalStateException
                && String.valueOf(failure.getMessage()).contains("max message size")) {
            return Disconnect.FRAME_TOO_LARGE;
        }
        if (failure instanceof IOException || failure instanceof HttpClosedException) {
            return Disconnect.CONNECTION_LOST;
        }
        long count = unknown.pass();
        if (count > 0) {
            LOG.errorf(
                    failure,
                    "WebSockets that failed unexpectedly: %d; further ones are not logged for a minute",
                    count);
        }
        return Disconnect.INTERNAL_ERROR;
    }
}
