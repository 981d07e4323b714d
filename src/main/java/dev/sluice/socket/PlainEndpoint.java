package dev.sluice.socket;

import io.quarkus.websockets.next.InboundProcessingMode;
import io.quarkus.websockets.next.WebSocket;
import jakarta.inject.Singleton;

/** Sessions at {@code /ws}. */
@Singleton
@WebSocket(path = "/ws", inboundProcessingMode = InboundProcessingMode.CONCURRENT)
final class PlainEndpoint extends Endpoint {

    PlainEndpoint(Sessions sessions) {
        super(sessions);
    }
}
