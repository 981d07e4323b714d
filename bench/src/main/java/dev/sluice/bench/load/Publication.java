package dev.sluice.bench.load;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;

/**
 * A publication as the bytes that publish it, made once: only the channel's number and the time are written anew each
 * time. To be used by one thread.
 */
public final class Publication {

    private final byte[] bytes;
    private final int numberOffset;
    private final int numberDigits;
    private final int timeOffset;

    public Publication(PublishProtocol protocol, ChannelName channel, int payloadBytes) {
        String head = protocol.head(channel.length());
        String middle = protocol.middle(payloadBytes);
        String text = head + channel.pattern() + middle + Payload.template(payloadBytes) + protocol.tail();
        bytes = text.getBytes(StandardCharsets.US_ASCII);
        numberOffset = head.length() + channel.prefix().length();
        numberDigits = channel.digits();
        timeOffset = head.length() + channel.length() + middle.length() + Payload.TIME_OFFSET;
    }

    /**
     * @param number the channel's number; of no consequence where the channel has none
     * @param nanos the time it claims to be published
     */
    void writeTo(ByteBuf out, long number, long nanos) {
        Digits.write(bytes, numberOffset, numberDigits, number);
        Digits.write(bytes, timeOffset, Payload.TIME_DIGITS, nanos);
        out.writeBytes(bytes);
    }
}
