package dev.sluice.bench.load;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/**
 * The bytes of a publish command, made once: only the channel's number and the time are updated each time. To be used by
 * one thread.
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
     * @param number the channel's number; ignored if the channel has none
     * @param nanos the time of publication that the payload states
     */
    void writeTo(ByteBuf out, long number, long nanos) {
        Digits.write(bytes, numberOffset, numberDigits, number);
        Digits.write(bytes, timeOffset, Payload.TIME_DIGITS, nanos);
        out.writeBytes(bytes);
    }

    /**
     * The name of a channel, or of many that differ in a number of fixed width at the end.
     *
     * @param prefix the text before the number
     * @param digits the width of the number; 0 without a number
     */
    public record ChannelName(String prefix, int digits) {

        /** One channel. */
        public static ChannelName of(String name) {
            return new ChannelName(name, 0);
        }

        int length() {
            return prefix.length() + digits;
        }

        String pattern() {
            return prefix + "0".repeat(digits);
        }
    }

    /** Numbers of fixed width, written in place. */
    static final class Digits {

        private Digits() {}

        /** Writes the last {@code width} decimal digits of a number that is not negative. */
        static void write(byte[] into, int offset, int width, long number) {
            long rest = number;
            for (int i = offset + width - 1; i >= offset; i--) {
                into[i] = (byte) ('0' + rest % 10);
                rest /= 10;
            }
        }
    }

    /** How a publication is written and acknowledged. Each protocol needs one connection, pipelined. */
    public enum PublishProtocol {
        /** RESP, to Redis. The reply is the number of subscribers, which must be 1: the server. */
        REDIS("\r\n", ":1\r\n") {
            @Override
            String head(int channelBytes) {
                return "*3\r\n$7\r\nPUBLISH\r\n$" + channelBytes + "\r\n";
            }

            @Override
            String middle(int payloadBytes) {
                return "\r\n$" + payloadBytes + "\r\n";
            }
        },

        /** HTTP, to nginx with nchan, which answers 201 with listeners and 202 without. */
        NCHAN("", "HTTP/1.1 20") {
            @Override
            String head(int channelBytes) {
                return "POST /pub/";
            }

            @Override
            String middle(int payloadBytes) {
                return " HTTP/1.1\r\nHost: nchan\r\nContent-Length: " + payloadBytes + "\r\n\r\n";
            }
        };

        private final String tail;
        private final String acknowledgement;

        PublishProtocol(String tail, String acknowledgement) {
            this.tail = tail;
            this.acknowledgement = acknowledgement;
        }

        /** The text before the channel. */
        abstract String head(int channelBytes);

        /** The text between channel and payload. */
        abstract String middle(int payloadBytes);

        /** The text after the payload. */
        String tail() {
            return tail;
        }

        /** ASCII text that each acknowledgement contains once; its first character occurs nowhere else in it. */
        String acknowledgement() {
            return acknowledgement;
        }
    }

    /**
     * The payloads of the benchmarks: JSON such as {@code {"t":"0000012345678901234","p":"xxxx"}}, whose {@code t} is the
     * {@link System#nanoTime} at which it was published.
     */
    static final class Payload {

        /** The offset of the character that distinguishes a payload from other messages of servers. */
        static final int MARK_OFFSET = 2;

        static final byte MARK = 't';

        static final String START = "{\"t\":\"";

        static final int TIME_OFFSET = START.length();

        /** The number of digits of the largest {@code long}. */
        static final int TIME_DIGITS = 19;

        static final int TIME_END = TIME_OFFSET + TIME_DIGITS;

        /** The clock may start anywhere, even below zero; this offset makes its readings positive. */
        private static final long ORIGIN = System.nanoTime() - TimeUnit.SECONDS.toNanos(1);

        private Payload() {}

        /** The time in nanoseconds, by the clock of all publications and receipts. */
        static long now() {
            return System.nanoTime() - ORIGIN;
        }

        /** A payload of this size, with zeros for the time. */
        static String template(int bytes) {
            String head = START + "0".repeat(TIME_DIGITS) + "\",\"p\":\"";
            String tail = "\"}";
            return head + "x".repeat(bytes - head.length() - tail.length()) + tail;
        }
    }
}
