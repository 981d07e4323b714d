package dev.sluice.session;

import io.quarkus.websockets.next.InboundProcessingMode;
import io.quarkus.websockets.next.WebSocket;
import jakarta.inject.Singleton;

/** WebSockets at {@code /ws}. */
@Singleton
@WebSocket(path = "/ws", inboundProcessingMode = InboundProcessingMode.CONCURRENT)
final class PlainEndpoint extends Endpoint {

    PlainEndpoint(SessionRegistry sessions) {
        super(sessions);
    }
}
