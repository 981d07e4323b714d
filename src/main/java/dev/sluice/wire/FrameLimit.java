package dev.sluice.wire;

import dev.sluice.config.CommandFrameLimit;
import dev.sluice.config.SluiceConfig;
import io.quarkus.vertx.http.HttpServerOptionsCustomizer;
import io.vertx.core.http.HttpServerOptions;
import jakarta.inject.Singleton;

/** Sets the limits of WebSockets, and whether they are compressed, on the HTTP servers. */
@Singleton
final class FrameLimit implements HttpServerOptionsCustomizer {

    /** How long a client may take to answer a close before its TCP connection is cut. */
    private static final int CLOSING_SECONDS = 1;

    private final int maxFrame;
    private final SluiceConfig.Compression compression;

    FrameLimit(SluiceConfig config) {
        // Inbound enforces the smaller limit of most clients.
        maxFrame = (int) CommandFrameLimit.of(config);
        compression = config.compression();
    }

    @Override
    public void customizeHttpServer(HttpServerOptions options) {
        limit(options);
    }

    @Override
    public void customizeHttpsServer(HttpServerOptions options) {
        limit(options);
    }

    private void limit(HttpServerOptions options) {
        options.setMaxWebSocketFrameSize(maxFrame)
                .setMaxWebSocketMessageSize(maxFrame)
                .setPerMessageWebSocketCompressionSupported(compression.enabled())
                .setWebSocketCompressionLevel(compression.level())
                // An extension that no client uses; while it is on, reserved bits are not refused.
                .setPerFrameWebSocketCompressionSupported(false)
                .setWebSocketClosingTimeout(CLOSING_SECONDS);
    }
}
