package dev.sluice.feed;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.DecoderException;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Execution(ExecutionMode.CONCURRENT)
class PublicationDecoderTest {

    private static final int MAX_PAYLOAD = 50;

    /** Publications and passed messages, in order. */
    private final List<String> seen = new ArrayList<>();

    /** The number of publications of each batch. */
    private final List<Integer> batches = new ArrayList<>();

    private final PublicationDecoder decoder =
            new PublicationDecoder(MAX_PAYLOAD, List.of(), this::published, this::own);
    private final EmbeddedChannel channel = new EmbeddedChannel(decoder);

    @ParameterizedTest
    @ValueSource(strings = {"*", ">"})
    void extractsPublications(String type) {
        read(publication(type, "user:*", "user:7", "hello"));
        assertThat(seen).containsExactly("user:7=hello");
    }

    @ParameterizedTest
    @ValueSource(strings = {"*", ">"})
    void extractsPublicationsOfChannelsThatAreSubscribedToByName(String type) {
        EmbeddedChannel byName = new EmbeddedChannel(
                new PublicationDecoder(MAX_PAYLOAD, List.of("upload", "user"), this::published, this::own));
        String text = named(type, "user:7", "a")
                + named(type, "sluice:canary:1", "1")
                + named(type, "upload:42", "b".repeat(MAX_PAYLOAD + 1))
                + named(type, "user:7", "")
                + named(type, "+switch-master", "c")
                + named(type, "users:7", "d");
        for (byte one : text.getBytes(UTF_8)) {
            byName.writeInbound(Unpooled.copiedBuffer(new byte[] {one}));
        }
        byName.flushInbound();
        assertThat(seen).containsExactly("user:7=a", "own sluice:canary:1=1", "upload:42 with 51", "user:7=");
        assertThat(byName.inboundMessages()).as("passed on to the Redis client").hasSize(2);
    }

    @Test
    void oneReadIsOneBatch() {
        read(publication("*", "user:*", "user:7", "a")
                + publication("*", "user:*", "user:7", "b")
                + publication("*", "user:*", "user:7", "c").substring(0, 30));
        assertThat(batches).containsExactly(2);
        read(publication("*", "user:*", "user:7", "c").substring(30));
        assertThat(batches).containsExactly(2, 1);
        assertThat(seen).containsExactly("user:7=a", "user:7=b", "user:7=c");
    }

    @Test
    void otherMessageEndsTheBatchAndKeepsItsOrder() {
        read(publication("*", "user:*", "user:7", "a")
                + named("*", "sluice:canary:1", "1")
                + publication("*", "user:*", "user:7", "b")
                + "+OK\r\n"
                + publication("*", "user:*", "user:7", "c"));
        assertThat(seen).containsExactly("user:7=a", "own sluice:canary:1=1", "user:7=b", "+OK\r\n", "user:7=c");
        assertThat(batches).containsExactly(1, 1, 1);
    }

    @Test
    void lastReadIsPassedOn() {
        channel.pipeline().fireChannelRead(Unpooled.copiedBuffer(publication("*", "user:*", "user:7", "a"), UTF_8));
        assertThat(seen).isEmpty();
        channel.pipeline().fireChannelInactive();
        assertThat(seen).containsExactly("user:7=a");
    }

    @Test
    void pausedDecoderDoesNotRead() {
        AtomicInteger reads = new AtomicInteger();
        channel.pipeline().addFirst(new ChannelOutboundHandlerAdapter() {
            @Override
            public void read(ChannelHandlerContext context) {
                reads.incrementAndGet();
                context.read();
            }
        });
        channel.config().setAutoRead(false);
        read(publication("*", "user:*", "user:7", "a"));
        read(publication("*", "user:*", "user:7", "b").substring(0, 30));
        assertThat(seen).containsExactly("user:7=a");
        assertThat(reads).hasValue(0);
        channel.config().setAutoRead(true);
        assertThat(reads).hasValue(1);
        read(publication("*", "user:*", "user:7", "b").substring(30));
        assertThat(seen).containsExactly("user:7=a", "user:7=b");
    }

    @Test
    void countsEveryPatternMessageEvenIfDropped() {
        read(publication("*", "user:*", "user:7", "a")
                + publication("*", "user:*", "user:7", "a".repeat(MAX_PAYLOAD + 1))
                + publication("*", "user:*", "user:" + "n".repeat(2000), "a")
                + named("*", "sluice:canary:1", "1")
                + "+OK\r\n");
        assertThat(decoder.messages()).isEqualTo(3);
    }

    @Test
    void passesNothingOnAfterStop() {
        channel.pipeline().fireChannelRead(Unpooled.copiedBuffer(publication("*", "user:*", "user:7", "a"), UTF_8));
        decoder.stop();
        read(publication("*", "user:*", "user:7", "b") + named("*", "sluice:canary:1", "1") + "+OK\r\n");
        channel.pipeline().fireChannelInactive();
        assertThat(seen).isEmpty();
    }

    @Test
    void acceptsAnyBytes() {
        read(publication("*", "user:*", "user:\r\n$5\r\n", "*4\r\n$8\r\npmessage\r\n"));
        read(publication("*", "user:*", "user:ü", ""));
        assertThat(seen).containsExactly("user:\r\n$5\r\n=*4\r\n$8\r\npmessage\r\n", "user:ü=");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "+OK\r\n",
                "-ERR no\r\n",
                ":42\r\n",
                "_\r\n",
                "#t\r\n",
                ",1.5\r\n",
                "(12345678901234567890\r\n",
                "$-1\r\n",
                "$0\r\n\r\n",
                "$5\r\nhello\r\n",
                "=7\r\ntxt:abc\r\n",
                "!5\r\nERR x\r\n",
                "*-1\r\n",
                "*0\r\n",
                "*3\r\n$10\r\npsubscribe\r\n$6\r\nuser:*\r\n:1\r\n",
                ">3\r\n$10\r\npsubscribe\r\n$6\r\nuser:*\r\n:1\r\n",
                "*4\r\n$8\r\nqmessage\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n",
                "%2\r\n+server\r\n$5\r\nredis\r\n+modules\r\n*1\r\n~1\r\n:1\r\n"
            })
    void passesOtherMessagesInOrder(String message) {
        String before = publication("*", "user:*", "user:1", "before");
        String after = publication("*", "user:*", "user:2", "after");
        read(before + message + after);
        assertThat(seen).containsExactly("user:1=before", message, "user:2=after");
    }

    @ParameterizedTest
    @ValueSource(strings = {"*", ">"})
    void extractsPodMessagesOnly(String type) {
        String ofSentinel = named(type, "+switch-master", "mymaster 127.0.0.1 6379 127.0.0.1 6380");
        read(named(type, "sluice:canary:1", "42")
                + ofSentinel
                + named(type, "sluice:control", "")
                + named(type, "x", ""));
        assertThat(seen)
                .containsExactly("own sluice:canary:1=42", ofSentinel, "own sluice:control=", named(type, "x", ""));
        assertThat(decoder.messages()).as("counted towards positions").isZero();
        assertThat(batches).as("counted towards positions").isEmpty();
    }

    @Test
    void readBoundariesDoNotMatter() {
        StringBuilder stream = new StringBuilder();
        List<String> expected = new ArrayList<>();
        Random random = new Random(1);
        for (int i = 0; i < 200; i++) {
            switch (random.nextInt(7)) {
                case 0 -> {
                    stream.append(":").append(i).append("\r\n");
                    expected.add(":" + i + "\r\n");
                }
                case 1 -> {
                    int length = MAX_PAYLOAD + 1 + random.nextInt(200);
                    stream.append(publication("*", "upload:*", "upload:" + i, "x".repeat(length)));
                    expected.add("upload:" + i + " with " + length);
                }
                case 5 -> {
                    String payload = "o".repeat(random.nextInt(PublicationDecoder.MAX_NAMED_PAYLOAD + 1));
                    stream.append(named("*", "sluice:control", payload));
                    expected.add("own sluice:control=" + payload);
                }
                case 6 -> {
                    int length = PublicationDecoder.MAX_NAMED_PAYLOAD + 1 + random.nextInt(200);
                    stream.append(named(">", "sluice:control", "o".repeat(length)));
                    expected.add("own sluice:control with " + length);
                }
                case 2 -> {
                    String name = "user:" + "x".repeat(2000);
                    stream.append(publication(">", "user:*", name, "y".repeat(i)));
                    expected.add(" with " + i);
                }
                default -> {
                    String payload = "z".repeat(random.nextInt(MAX_PAYLOAD + 1));
                    stream.append(publication("*", "upload:*", "upload:" + i, payload));
                    expected.add("upload:" + i + "=" + payload);
                }
            }
        }
        byte[] bytes = stream.toString().getBytes(UTF_8);
        for (int round = 0; round < 50; round++) {
            seen.clear();
            int most = 1 + random.nextInt(round < 5 ? 2 : 500);
            for (int from = 0; from < bytes.length; ) {
                int to = Math.min(bytes.length, from + 1 + random.nextInt(most));
                read(Arrays.copyOfRange(bytes, from, to));
                from = to;
            }
            assertThat(seen).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1_000, 65_536, 100_000, 1_000_000})
    void messageLongerThanOneReadIsKept(int read) {
        int max = 300_000;
        EmbeddedChannel large = new EmbeddedChannel(new PublicationDecoder(max, List.of(), this::published, this::own));
        List<String> sent = new ArrayList<>();
        StringBuilder text = new StringBuilder();
        for (int length : new int[] {65_500, 1, 65_536, max, 70_000, 0, max, max + 1, 131_072}) {
            String payload = Character.toString('a' + sent.size()).repeat(length);
            sent.add(length > max ? "user:7 with " + length : "user:7=" + payload);
            text.append(publication("*", "user:*", "user:7", payload));
        }
        byte[] bytes = text.toString().getBytes(US_ASCII);
        for (int from = 0; from < bytes.length; from += read) {
            large.writeInbound(Unpooled.copiedBuffer(bytes, from, Math.min(read, bytes.length - from)));
        }
        assertThat(seen).isEqualTo(sent);
    }

    @Test
    void oversizedPayloadIsNotBuffered() {
        long length = 500_000_000;
        read("*4\r\n$8\r\npmessage\r\n$6\r\nuser:*\r\n$6\r\nuser:7\r\n$" + length + "\r\n");
        byte[] part = new byte[1_000_000];
        for (long sent = 0; sent < length; sent += part.length) {
            ByteBuf buffer = Unpooled.wrappedBuffer(part);
            channel.writeInbound(buffer);
            assertThat(buffer.refCnt()).isZero();
        }
        read("\r\n" + publication("*", "user:*", "user:7", "after"));
        assertThat(seen).containsExactly("user:7 with " + length, "user:7=after");
    }

    @Test
    void oversizedPodMessageIsNotBuffered() {
        long length = 500_000_000;
        read("*3\r\n$7\r\nmessage\r\n$14\r\nsluice:control\r\n$" + length + "\r\n");
        byte[] part = new byte[1_000_000];
        for (long sent = 0; sent < length; sent += part.length) {
            ByteBuf buffer = Unpooled.wrappedBuffer(part);
            channel.writeInbound(buffer);
            assertThat(buffer.refCnt()).isZero();
        }
        read("\r\n" + publication("*", "user:*", "user:7", "after"));
        assertThat(seen).containsExactly("own sluice:control with " + length, "user:7=after");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "*4\r\n$8\r\npmessage\r\n$x\r\n",
                "*4\r\n$8\r\npmessage\r\n$6\r\nuser:*\r\n:7\r\n",
                "*4\r\n$8\r\npmessage\r\n$6\r\nuser:*\r\n$99999999999\r\n"
            })
    void invalidRespEndsTheConnection(String message) {
        assertThatThrownBy(() -> read(message)).isInstanceOf(DecoderException.class);
    }

    private void read(String text) {
        read(text.getBytes(UTF_8));
    }

    private void read(byte[] bytes) {
        channel.writeInbound(Unpooled.copiedBuffer(bytes));
        takePassed();
    }

    private void takePassed() {
        for (ByteBuf passed = channel.readInbound(); passed != null; passed = channel.readInbound()) {
            seen.add(passed.toString(US_ASCII));
            passed.release();
        }
    }

    private void published(List<Publication> batch) {
        batches.add(batch.size());
        batch.forEach(publication -> see("", publication));
    }

    private void own(Publication message) {
        see("own ", message);
    }

    private void see(String kind, Publication publication) {
        takePassed();
        String name = new String(publication.bytes(), 0, publication.nameLength(), UTF_8);
        boolean whole = publication.bytes().length == publication.nameLength() + publication.payloadLength();
        seen.add(kind
                + (whole && !name.isEmpty()
                        ? name + "=" + new String(publication.payload(), UTF_8)
                        : name + " with " + publication.payloadLength()));
    }

    private static String publication(String type, String pattern, String name, String payload) {
        return type + "4\r\n" + bulk("pmessage") + bulk(pattern) + bulk(name) + bulk(payload);
    }

    private static String named(String type, String name, String payload) {
        return type + "3\r\n" + bulk("message") + bulk(name) + bulk(payload);
    }

    private static String bulk(String value) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.writeBytes(value.getBytes(UTF_8));
        return "$" + bytes.size() + "\r\n" + value + "\r\n";
    }
}
