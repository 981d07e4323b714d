package dev.sluice.session;

import io.quarkus.websockets.next.InboundProcessingMode;
import io.quarkus.websockets.next.WebSocket;
import jakarta.inject.Singleton;

/** WebSockets at {@code /ws/uploads}. */
@Singleton
@WebSocket(path = "/ws/uploads", inboundProcessingMode = InboundProcessingMode.CONCURRENT)
final class UploadsEndpoint extends Endpoint {

    UploadsEndpoint(SessionRegistry sessions) {
        super(sessions);
    }
}
