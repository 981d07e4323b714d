package dev.sluice.bench.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sluice.bench.load.Publication.ChannelName;
import dev.sluice.bench.load.Publication.PublishProtocol;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class PublicationTest {

    private final ChannelName channels = new ChannelName("user:u", 5);

    @Test
    void encodesTheCommandForRedis() {
        assertEquals(
                "*3\r\n$7\r\nPUBLISH\r\n$11\r\nuser:u00042\r\n$40\r\n"
                        + "{\"t\":\"000000000123\",\"p\":\"xxxxxxxxxxxxx\"}\r\n",
                written(new Publication(PublishProtocol.REDIS, channels, 40)));
    }

    @Test
    void shortestPayloadHasTheTimeOnly() {
        assertEquals(
                "*3\r\n$7\r\nPUBLISH\r\n$11\r\nuser:u00042\r\n$20\r\n{\"t\":\"000000000123\"}\r\n",
                written(new Publication(PublishProtocol.REDIS, channels, 20)));
        assertThrows(IllegalArgumentException.class, () -> new Publication(PublishProtocol.REDIS, channels, 21));
    }

    @Test
    void encodesTheRequestForNchan() {
        assertEquals(
                "POST /pub/user:u00042 HTTP/1.1\r\nHost: nchan\r\nContent-Length: 40\r\n\r\n"
                        + "{\"t\":\"000000000123\",\"p\":\"xxxxxxxxxxxxx\"}",
                written(new Publication(PublishProtocol.NCHAN, channels, 40)));
    }

    /** Each writes over what the one before has written. */
    private static String written(Publication publication) {
        ByteBuf out = Unpooled.buffer();
        publication.writeTo(out, 99_999, Long.MAX_VALUE);
        out.clear();
        publication.writeTo(out, 42, 123_999);
        return out.toString(StandardCharsets.US_ASCII);
    }
}
