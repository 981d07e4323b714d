package dev.sluice.socket;

import io.quarkus.websockets.next.InboundProcessingMode;
import io.quarkus.websockets.next.WebSocket;
import jakarta.inject.Singleton;

/** Sessions at {@code /ws/uploads}. */
@Singleton
@WebSocket(path = "/ws/uploads", inboundProcessingMode = InboundProcessingMode.CONCURRENT)
final class UploadsEndpoint extends Endpoint {

    UploadsEndpoint(Sessions sessions) {
        super(sessions);
    }
}
