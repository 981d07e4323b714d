package dev.sluice.bench.trial;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketClientProtocolConfig;
import io.netty.handler.codec.http.websocketx.WebSocketClientProtocolHandler;
import io.netty.handler.codec.http.websocketx.WebSocketClientProtocolHandler.ClientHandshakeStateEvent;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketVersion;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.Optional;

/** A client with one WebSocket, from the upgrade to its end. Netty answers pings. */
abstract class WebSocketClient extends SimpleChannelInboundHandler<WebSocketFrame> {

    private static final int LARGEST_HEAD = 8 * 1024;
    private static final int LARGEST_MESSAGE = 256 * 1024;
    private static final int HANDSHAKE_MILLIS = 10_000;

    private final String path;
    private final Optional<String> subprotocol;
    private String ending = "the connection ended before the upgrade";
    private boolean closed;
    private boolean over;

    WebSocketClient(Protocol protocol) {
        this(protocol.path(), protocol.subprotocol());
    }

    WebSocketClient(String path, Optional<String> subprotocol) {
        this.path = path;
        this.subprotocol = subprotocol;
    }

    /** Called when the WebSocket is open. */
    abstract void opened(Channel channel);

    abstract void heard(String message);

    /**
     * Called once, when the WebSocket is closed or can't be opened.
     *
     * @param how the close code, or what happened
     */
    abstract void ended(String how);

    final void begin(Bootstrap bootstrap, InetSocketAddress address) {
        WebSocketClientProtocolConfig config = WebSocketClientProtocolConfig.newBuilder()
                .webSocketUri(URI.create("ws://" + address.getHostString() + ":" + address.getPort() + path))
                .subprotocol(subprotocol.orElse(null))
                .version(WebSocketVersion.V13)
                .customHeaders(new DefaultHttpHeaders())
                .maxFramePayloadLength(LARGEST_MESSAGE)
                .handleCloseFrames(false)
                .handshakeTimeoutMillis(HANDSHAKE_MILLIS)
                .build();
        bootstrap
                .clone()
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline()
                                .addLast(
                                        new HttpClientCodec(),
                                        new HttpObjectAggregator(LARGEST_HEAD),
                                        new WebSocketClientProtocolHandler(config),
                                        WebSocketClient.this);
                    }
                })
                .connect(address)
                .addListener(connected -> {
                    if (!connected.isSuccess()) {
                        ending = connected.cause().getMessage();
                        end();
                    }
                });
    }

    @Override
    public final void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event == ClientHandshakeStateEvent.HANDSHAKE_COMPLETE) {
            ending = "the connection ended without a close frame";
            opened(context.channel());
        } else if (event == ClientHandshakeStateEvent.HANDSHAKE_TIMEOUT) {
            ending = "no upgrade in time";
            context.close();
        }
    }

    @Override
    protected final void channelRead0(ChannelHandlerContext context, WebSocketFrame frame) {
        if (frame instanceof TextWebSocketFrame text) {
            heard(text.text());
        } else if (frame instanceof CloseWebSocketFrame close) {
            ending = Integer.toString(close.statusCode());
            closed = true;
            context.close();
        }
    }

    @Override
    public final void channelInactive(ChannelHandlerContext context) {
        end();
    }

    @Override
    public final void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        if (!closed) {
            ending = cause.toString();
        }
        context.close();
    }

    private void end() {
        if (!over) {
            over = true;
            ended(ending);
        }
    }
}
