package dev.sluice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.guard.TcpChannel;
import dev.sluice.log.RootCause;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.ServerChannel;
import io.netty.channel.SingleThreadEventLoop;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.compression.DecompressionException;
import io.netty.handler.codec.compression.ZlibCodecFactory;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.HttpResponseEncoder;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocket13FrameEncoder;
import io.netty.handler.codec.http.websocketx.WebSocketFrameDecoder;
import io.netty.handler.codec.http.websocketx.WebSocketFrameEncoder;
import io.netty.handler.codec.http.websocketx.extensions.WebSocketExtensionData;
import io.netty.handler.codec.http.websocketx.extensions.WebSocketServerExtension;
import io.netty.handler.codec.http.websocketx.extensions.compression.PerMessageDeflateServerExtensionHandshaker;
import io.netty.handler.timeout.IdleStateHandler;
import io.netty.util.concurrent.EventExecutor;
import io.quarkus.vertx.http.runtime.security.SecurityHandlerPriorities;
import io.smallrye.common.vertx.VertxContext;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.WebSocketConnectOptions;
import io.vertx.core.http.impl.VertxHttpRequestDecoder;
import io.vertx.core.impl.ContextInternal;
import io.vertx.core.impl.VertxInternal;
import io.vertx.core.net.impl.ConnectionBase;
import io.vertx.core.net.impl.VertxHandler;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/**
 * Checks internals of Vert.x, Netty, SmallRye and Quarkus on which Sluice relies, with the real libraries. An upgrade
 * that changes one fails here, or in the test that the list names.
 *
 * <ul>
 *   <li>{@code feed/DecodingVertx}: {@code VertxWrapper}, {@code NetClientImpl.initChannel}: a handler of ours
 *       sees the bytes of Redis before Vert.x. Fails: {@code DecodingVertxTest}, {@code FeedIT}.
 *   <li>{@code guard/TcpChannel}: {@code ConnectionBase}: the Netty channel of a request. Fails: here.
 *   <li>{@code guard/AcceptLimiter}: {@code VertxInternal}: listening sockets are registered with the
 *       acceptors. Fails: here, {@code SlowRequestsIT}.
 *   <li>{@code guard/HttpDetector}, {@code guard/RequestLimiter}: request decoder, and Vert.x's handler as the last;
 *       TLS is named {@code ssl}; compression is negotiated by one handler. Fails: here, {@code TlsIT}, {@code
 *       ProxyProtocolIT}, {@code CompressionIT}.
 *   <li>{@code guard/BoundedRequestDecoder}: {@code VertxHttpRequestDecoder} calls {@code splitHeaderName} per
 *       line; 431 for {@code TooLongHttpHeaderException}. Fails: {@code RequestGuardTest}, {@code
 *       SlowRequestsIT}.
 *   <li>{@code guard/RequestGuard}: Vert.x ends a response under the lock of its connection. Fails: {@code
 *       PipelinedRequestsTest}, also where Vert.x no longer loses track of requests that it queues.
 *   <li>{@code guard/TurnSchedulers}: tasks after the turn of an event loop. Fails: {@code TurnSchedulersTest}.
 *   <li>{@code wire/WebSocketChannel}: frame decoder and idle timer in the pipeline; headers that can be
 *       cleared; "maximum size" in Netty's message. Fails: here, {@code CompressionIT}.
 *   <li>{@code session/UpgradeRoute}: the handshake has the headers of the response. Fails: here, {@code UpgradeIT}.
 *   <li>{@code wire/DirectFrameWriter}: the frame encoder passes bytes on unchanged; a channel's {@code unsafe()} takes
 *       them as the head of its pipeline does; writes end by {@code trySuccess} and {@code tryFailure} of their
 *       promise. Fails: here, {@code DirectFrameWriterTest}, {@code TlsIT}.
 *   <li>{@code wire/EventStreamChannel}: the response encoder in the pipeline, past which chunks are written between the
 *       head and the end that Vert.x writes. Fails: here.
 *   <li>{@code wire/WriteProgress}: Netty's outbound buffer, {@code EpollTcpInfo}. Fails: {@code TlsIT}.
 *   <li>{@code wire/EventLoops}: the root of a duplicated context; the class of epoll, registered for native. Fails:
 *       here, {@code NativeSourcesIT}.
 *   <li>{@code http/Gate}, {@code guard/ConnectGate}: the priorities of Quarkus's filters. Fails: here, {@code
 *       CorsIT}.
 *   <li>{@code access/RequestTokenMechanism}: {@code JWTAuthMechanism}. Fails: {@code RequestTokenIT}.
 *   <li>{@code access/JwtVerifier}, {@code access/TokenVerifier}: {@code DefaultJWTTokenParser} asks for the
 *       keys. Fails: {@code TokenVerifierTest}.
 *   <li>{@code access/KeyFetch}, {@code access/KeySet}, {@code access/VerificationKey}: {@code KeyUtils}, {@code
 *       ResourceUtils}: keys and certificates of each format. Fails: {@code KeyFetchTest}, {@code KeySetTest}, {@code
 *       VerificationKeyTest}.
 *   <li>{@code access/RequestToken}, {@code access/ServerKeys}, {@code access/StaticKeys}: {@code
 *       JWTAuthContextInfo}: the configured keys, header and cookie. Fails: {@code KeysIT}, {@code RequestTokenIT}.
 *   <li>{@code access/BackendClientFactory}: {@code TlsConfigUtils} of Quarkus: the options of a TLS configuration. Fails: {@code
 *       TlsIT}.
 *   <li>{@code access/TokenFailureMapper}: the causes of a {@code ParseException}. Fails: {@code TokenVerifierTest}.
 *   <li>{@code config/OwnSettingsValidation}: the builder's customizers: Quarkus sets its validator in one before. Fails: {@code
 *       LifecycleIT}.
 *   <li>{@code demo/DevTokenFactory}: {@code KeyUtils}: the private key. Fails: {@code DevModeTest}.
 *   <li>{@code redis/ClientTypeCheck}, {@code redis/CommandConnectionFactory}: {@code RedisConfig}: the name of
 *       the default client. Fails: {@code ClientTypeCheckTest}.
 *   <li>{@code graal/OpenApiOnDemand}: the recorder calls {@code OpenApiDocumentService} at start, which keeps the documents by
 *       name. Fails: {@code SubstitutionsTest}; {@code ApiDocumentsIT} of an executable.
 *   <li>{@code graal/QuickNames}: SmallRye's and Quarkus's names of properties: only quotes and backslashes keep a dot from ending a
 *       segment, and only a star matches another text. Fails: {@code QuickNamesTest}.
 *   <li>{@code log/RootCause}: Netty's message of a refused connection. Fails: here.
 *   <li>{@code UnreadVariableCheck}: {@code ConfigMappings}: the keys of a tree. Fails: {@code
 *       ConfigurationPageTest}.
 *   <li>{@code registry/LingeringSubscriptions}: Caffeine's class {@code SSMWW}, registered for native. Fails: {@code
 *       NativeSourcesIT}.
 *   <li>{@code application.properties}: classes named as log categories or initialised at run time in native.
 *       Fails: here, {@code NativeSourcesIT}.
 * </ul>
 */
class InternalsTest {

    private static final Vertx VERTX = Vertx.vertx();

    @AfterAll
    static void close() throws Exception {
        get(VERTX.close().toCompletionStage().toCompletableFuture());
    }

    @Test
    void listHasEachClassThatMayUseInternalsAndTestsThatExist() throws IOException {
        String list = Files.readString(Path.of("src/test/java/dev/sluice/InternalsTest.java"))
                .replaceAll("\\s+\\*?\\s*", " ");
        assertThat(Stream.of(ArchitectureTest.VERTX, ArchitectureTest.QUARKUS, ArchitectureTest.SMALLRYE)
                        .flatMap(Set::stream))
                .allSatisfy(name -> assertThat(list).contains("{@code " + name.replace('.', '/') + "}"));
        try (Stream<Path> files = Files.walk(Path.of("src/test/java"))) {
            List<String> existing =
                    files.map(file -> file.getFileName().toString()).toList();
            assertThat(Pattern.compile("\\{@code (\\w+(?:Test|IT))\\}")
                            .matcher(list)
                            .results())
                    .hasSizeGreaterThan(20)
                    .allSatisfy(found -> assertThat(existing).contains(found.group(1) + ".java"));
        }
    }

    /** For {@code guard.HttpDetector}, {@code guard.RequestLimiter}, {@code wire.WebSocketChannel}. */
    @Test
    void pipelineOfARequestHasTheReplacedHandlers() throws Exception {
        ChannelPipeline pipeline = get(pipelineOfAnUpgrade(false));
        assertThat(pipeline.get(HttpRequestDecoder.class)).isExactlyInstanceOf(VertxHttpRequestDecoder.class);
        assertThat(pipeline.last()).as("Vert.x's own handler").isInstanceOf(VertxHandler.class);
        assertThat(pipeline.get(IdleStateHandler.class)).isNotNull();
    }

    /** For {@code wire.WebSocketChannel} and {@code wire.DirectFrameWriter}. */
    @Test
    void pipelineOfAWebSocketHasTheFrameCodecBeforeVertxHandler() throws Exception {
        ChannelPipeline pipeline = get(pipelineOfAnUpgrade(true));
        assertThat(pipeline.get(HttpRequestDecoder.class)).isNull();
        assertThat(pipeline.last()).isInstanceOf(VertxHandler.class);
        assertThat(pipeline.get(WebSocketFrameDecoder.class)).isNotNull();
        assertThat(pipeline.get(WebSocketFrameEncoder.class)).isNotNull();
    }

    /** For {@code wire.WebSocketChannel}, which clears them so that no WebSocket keeps a token in memory. */
    @Test
    void clearingTheHeadersOfARequestClearsThoseDecodedByNetty() throws Exception {
        CompletableFuture<HttpRequest> decoded = new CompletableFuture<>();
        serve(
                request -> {
                    request.headers().clear();
                    request.response().end();
                },
                pipeline -> pipeline.addBefore(pipeline.lastContext().name(), null, new ChannelInboundHandlerAdapter() {
                    @Override
                    public void channelRead(ChannelHandlerContext context, Object message) {
                        HttpRequest request = (HttpRequest) message;
                        String token = request.headers().get("Authorization");
                        context.fireChannelRead(message);
                        assertThat(token).isEqualTo("secret");
                        decoded.complete(request);
                    }
                }),
                port -> VERTX.createHttpClient()
                        .request(HttpMethod.GET, port, "localhost", "/")
                        .compose(request ->
                                request.putHeader("Authorization", "secret").send()));
        assertThat(get(decoded).headers().isEmpty()).isTrue();
    }

    /** For {@code session.UpgradeRoute}, which names the subprotocol to the client. */
    @Test
    void handshakeHasTheHeadersOfTheResponse() throws Exception {
        CompletableFuture<String> named = new CompletableFuture<>();
        serve(
                request -> {
                    request.response().putHeader("Sec-WebSocket-Protocol", "chosen");
                    request.toWebSocket();
                },
                untouched -> {},
                port -> VERTX.createWebSocketClient()
                        .connect(new WebSocketConnectOptions()
                                .setPort(port)
                                .setHost("localhost")
                                .setSubProtocols(List.of("other", "chosen")))
                        .onSuccess(socket -> named.complete(socket.subProtocol())));
        assertThat(get(named)).isEqualTo("chosen");
    }

    /** For {@code guard.AcceptLimiter}. */
    @Test
    void listeningSocketsAreRegisteredWithTheAcceptors() throws Exception {
        HttpServer server = get(VERTX.createHttpServer()
                .requestHandler(request -> {})
                .listen(0, "localhost")
                .toCompletionStage()
                .toCompletableFuture());
        assertThat(listening()).contains(server.actualPort());
        get(server.close().toCompletionStage().toCompletableFuture());
    }

    /** For {@code wire.DirectFrameWriter}, which writes encoded frames past the encoder. */
    @Test
    void frameEncoderPassesBytesThrough() {
        EmbeddedChannel channel = new EmbeddedChannel(new WebSocket13FrameEncoder(false));
        ByteBuf bytes = Unpooled.copiedBuffer("encoded", StandardCharsets.US_ASCII);
        channel.writeOutbound(bytes);
        assertThat(channel.<ByteBuf>readOutbound()).isSameAs(bytes);
        bytes.release();
    }

    /** For {@code wire.EventStreamChannel}. */
    @Test
    @SuppressWarnings("FutureReturnValueIgnored") // A failed write would be missing in the body.
    void chunkWrittenPastTheEncoderIsPartOfTheResponse() throws Exception {
        CompletableFuture<String> body = new CompletableFuture<>();
        serve(
                request -> request.response().setChunked(true).write("head,").onSuccess(written -> {
                    ByteBuf chunk = Unpooled.copiedBuffer("6\r\nchunk,\r\n", StandardCharsets.US_ASCII);
                    Objects.requireNonNull(TcpChannel.of(request))
                            .pipeline()
                            .context(HttpResponseEncoder.class)
                            .writeAndFlush(chunk);
                    request.response().end("end");
                }),
                untouched -> {},
                port -> VERTX.createHttpClient()
                        .request(HttpMethod.GET, port, "localhost", "/")
                        .compose(request -> request.send())
                        .compose(response -> response.body())
                        .onSuccess(bytes -> body.complete(bytes.toString())));
        assertThat(get(body)).isEqualTo("head,chunk,end");
    }

    /** For {@code wire.WebSocketChannel}, which answers it with close code 1009. */
    @Test
    void exceptionForAMessageTooLargeAfterDecompressionNamesTheMaximumSize() {
        WebSocketServerExtension deflate = Objects.requireNonNull(new PerMessageDeflateServerExtensionHandshaker(
                        6,
                        ZlibCodecFactory.isSupportingWindowSizeAndMemLevel(),
                        PerMessageDeflateServerExtensionHandshaker.MAX_WINDOW_SIZE,
                        false,
                        false,
                        100)
                .handshakeExtension(new WebSocketExtensionData("permessage-deflate", Map.of())));
        EmbeddedChannel compress = new EmbeddedChannel(deflate.newExtensionEncoder());
        compress.writeOutbound(new BinaryWebSocketFrame(Unpooled.wrappedBuffer(new byte[10_000])));
        EmbeddedChannel decompress = new EmbeddedChannel(deflate.newExtensionDecoder());
        assertThatThrownBy(() -> decompress.writeInbound(compress.<BinaryWebSocketFrame>readOutbound()))
                .isInstanceOf(DecompressionException.class)
                .hasMessageContaining("maximum size");
    }

    /** For {@code log.RootCause}: Netty's message begins with that of its cause and adds the address. */
    @Test
    void messageOfARefusedConnectionHasTheAddress() throws Exception {
        int closed;
        try (ServerSocket socket = new ServerSocket(0)) {
            closed = socket.getLocalPort();
        }
        CompletableFuture<String> told = new CompletableFuture<>();
        VERTX.createNetClient()
                .connect(closed, "localhost")
                .onFailure(failure -> told.complete(RootCause.innermost(failure)));
        assertThat(get(told)).contains("Connection refused").endsWith(":" + closed);
    }

    /** For {@code http.Gate} (1000) and {@code guard.ConnectGate} (before CORS). */
    @Test
    void filtersOfSluiceRunBeforeThoseOfQuarkus() {
        assertThat(SecurityHandlerPriorities.CORS)
                .isLessThan(1000)
                .isGreaterThan(SecurityHandlerPriorities.AUTHENTICATION);
    }

    /** For {@code wire.EventLoops}: callbacks have contexts of their own, event loops one each. */
    @Test
    void duplicatedContextHasTheRootOfItsLoop() {
        Context root = VERTX.getOrCreateContext();
        Context duplicate = ((ContextInternal) root).duplicate();
        assertThat(duplicate).isNotSameAs(root);
        assertThat(VertxContext.getRootContext(duplicate)).isSameAs(root);
    }

    /** Log categories and classes that the native executable initialises at run time. */
    @Test
    void classesNamedInTheConfigurationExist() throws IOException {
        String properties = Files.readString(Path.of("src/main/resources/application.properties"));
        List<String> names = Pattern.compile("\\b(io|com)(\\.[a-z]+)+(\\.[A-Z]\\w+)")
                .matcher(properties)
                .results()
                .map(found -> found.group())
                .toList();
        assertThat(names)
                .contains("io.vertx.redis.client.impl.Slots", "io.netty.channel.DefaultChannelPipeline")
                .allSatisfy(name -> assertThat(
                                getClass().getClassLoader().getResource(name.replace('.', '/') + ".class"))
                        .as(name)
                        .isNotNull());
    }

    private static CompletableFuture<ChannelPipeline> pipelineOfAnUpgrade(boolean done) throws Exception {
        CompletableFuture<ChannelPipeline> pipeline = new CompletableFuture<>();
        serve(
                request -> {
                    ChannelPipeline seen =
                            Objects.requireNonNull(TcpChannel.of(request)).pipeline();
                    if (done) {
                        request.toWebSocket().onSuccess(socket -> pipeline.complete(seen));
                    } else {
                        pipeline.complete(seen);
                    }
                },
                untouched -> {},
                port -> VERTX.createWebSocketClient().connect(port, "localhost", "/"));
        return pipeline;
    }

    private static void serve(
            Handler<HttpServerRequest> handler, Consumer<ChannelPipeline> initializer, IntFunction<Future<?>> client)
            throws Exception {
        HttpServer server = get(VERTX.createHttpServer(
                        new HttpServerOptions().setIdleTimeout(75).setPerMessageWebSocketCompressionSupported(true))
                .connectionHandler(connection -> initializer.accept(
                        ((ConnectionBase) connection).channel().pipeline()))
                .requestHandler(handler)
                .listen(0, "localhost")
                .toCompletionStage()
                .toCompletableFuture());
        assertThat(client.apply(server.actualPort())).isNotNull();
    }

    private static List<Integer> listening() {
        List<Integer> ports = new ArrayList<>();
        for (EventExecutor executor : ((VertxInternal) VERTX).getAcceptorEventLoopGroup()) {
            SingleThreadEventLoop loop = (SingleThreadEventLoop) executor;
            loop.submit(() -> loop.registeredChannelsIterator().forEachRemaining(channel -> addPort(channel, ports)))
                    .syncUninterruptibly();
        }
        return ports;
    }

    private static void addPort(Channel channel, List<Integer> ports) {
        if (channel instanceof ServerChannel && channel.localAddress() instanceof InetSocketAddress address) {
            ports.add(address.getPort());
        }
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(60, TimeUnit.SECONDS);
    }
}
