package dev.sluice.bench.load;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The bytes of a publish command, made once: only the channel's number and the time are updated each time. To be used by
 * one thread.
 */
public final class Publication {

    private final byte[] bytes;
    private final List<Integer> numberOffsets = new ArrayList<>();
    private final int numberDigits;
    private final int timeOffset;

    public Publication(PublishProtocol protocol, ChannelName channel, int payloadBytes) {
        String text = protocol.command(channel.pattern(), payloadBytes);
        bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        numberDigits = channel.digits();
        timeOffset = text.indexOf("0".repeat(Payload.TIME_DIGITS));
        String pattern = channel.pattern();
        for (int at = text.indexOf(pattern); at >= 0; at = text.indexOf(pattern, at + pattern.length())) {
            numberOffsets.add(at + channel.prefix().length());
        }
    }

    /**
     * @param number the channel's number; ignored if the channel has none
     * @param nanos the time of publication, which the payload states in microseconds
     */
    void writeTo(ByteBuf out, long number, long nanos) {
        for (int i = 0; i < numberOffsets.size(); i++) {
            Digits.write(bytes, numberOffsets.get(i), numberDigits, number);
        }
        Digits.write(bytes, timeOffset, Payload.TIME_DIGITS, TimeUnit.NANOSECONDS.toMicros(nanos));
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
        /** The payload as it is, to Redis. */
        REDIS {
            @Override
            String command(String channel, int payloadBytes) {
                return redis(channel, Payload.template(payloadBytes));
            }
        },

        /** The same on channels of which some have no subscriber. */
        REDIS_UNHEARD {
            @Override
            String command(String channel, int payloadBytes) {
                return REDIS.command(channel, payloadBytes);
            }

            @Override
            String acknowledgement() {
                return ":";
            }
        },

        /** What a node of Centrifugo publishes: a Protobuf message, whose field 4 is the payload. */
        CENTRIFUGO {
            @Override
            String command(String channel, int payloadBytes) {
                StringBuilder message = new StringBuilder("\"");
                int rest = payloadBytes;
                for (; rest >= 0x80; rest >>= 7) {
                    message.append((char) (rest & 0x7f | 0x80));
                }
                message.append((char) rest).append(Payload.template(payloadBytes));
                return redis("centrifugo.client." + channel, message.toString());
            }
        },

        /** What Socket.IO's emitter for the Redis adapter publishes: an event of a room, in MessagePack. */
        SOCKET_IO {
            @Override
            String command(String channel, int payloadBytes) {
                String event = "\u0092" + packed("message") + packedPayload(payloadBytes);
                String packet =
                        "\u0083" + packed("type") + '\u0002' + packed("data") + event + packed("nsp") + packed("/");
                String options = "\u0083" + packed("rooms") + '\u0091' + packed(channel) + packed("except") + '\u0090'
                        + packed("flags") + '\u0080';
                return redis("socket.io#/#" + channel + '#', "\u0093" + packed("bench") + packet + options);
            }

            private String packedPayload(int payloadBytes) {
                int fields = payloadBytes == Payload.SHORTEST ? 1 : 2;
                String event = (char) (0x80 | fields) + packed("t") + packed("0".repeat(Payload.TIME_DIGITS));
                return fields == 1 ? event : event + packed("p") + packed(Payload.filler(payloadBytes));
            }

            private String packed(String text) {
                int length = text.length();
                if (length < 0x20) {
                    return (char) (0xa0 | length) + text;
                }
                return length < 0x100
                        ? "\u00d9" + (char) length + text
                        : "\u00da" + (char) (length >> 8) + (char) (length & 0xff) + text;
            }
        },

        /** RESP, to a stream in Redis. The reply is the entry's ID. */
        REDIS_STREAM {
            @Override
            String command(String channel, int payloadBytes) {
                return "*8\r\n$4\r\nXADD\r\n$" + channel.length() + "\r\n" + channel
                        + "\r\n$6\r\nMAXLEN\r\n$1\r\n~\r\n$4\r\n1000\r\n$1\r\n*\r\n$4\r\ndata\r\n$" + payloadBytes
                        + "\r\n" + Payload.template(payloadBytes) + "\r\n";
            }

            @Override
            String acknowledgement() {
                return "$1";
            }
        },

        /** HTTP, to nginx with nchan, which answers 201 with listeners and 202 without. */
        NCHAN {
            @Override
            String command(String channel, int payloadBytes) {
                return "POST /pub/" + channel + " HTTP/1.1\r\nHost: nchan\r\nContent-Length: " + payloadBytes
                        + "\r\n\r\n" + Payload.template(payloadBytes);
            }

            @Override
            String acknowledgement() {
                return "HTTP/1.1 20";
            }
        };

        /** A publish command, in ISO 8859-1: the channel, and a payload of this size with zeros for the time. */
        abstract String command(String channel, int payloadBytes);

        /**
         * ASCII text that each acknowledgement contains once; its first character occurs nowhere else in it. Redis answers with the number of
         * subscribers, which must be 1: the server.
         */
        String acknowledgement() {
            return ":1\r\n";
        }

        /** The command in RESP. */
        private static String redis(String channel, String message) {
            return "*3\r\n$7\r\nPUBLISH\r\n$" + channel.length() + "\r\n" + channel + "\r\n$" + message.length()
                    + "\r\n" + message + "\r\n";
        }
    }

    /**
     * The payloads of the benchmarks: JSON such as {@code {"t":"000012345678","p":"xxxx"}}, whose {@code t} is the
     * {@link System#nanoTime} at which it was published, in microseconds. The shortest has no {@code p}.
     */
    static final class Payload {

        /** The offset of the character that distinguishes a payload from other messages of servers. */
        static final int MARK_OFFSET = 2;

        static final byte MARK = 't';

        static final String START = "{\"t\":\"";

        static final int TIME_OFFSET = START.length();

        /** Enough for eleven days. */
        static final int TIME_DIGITS = 12;

        static final int TIME_END = TIME_OFFSET + TIME_DIGITS;

        private static final String FILLER = "\",\"p\":\"";
        private static final String END = "\"}";

        /** The size of the shortest. */
        static final int SHORTEST = TIME_END + END.length();

        /** The clock may start anywhere, even below zero; this offset makes its readings positive. */
        private static final long ORIGIN = System.nanoTime() - TimeUnit.SECONDS.toNanos(1);

        private Payload() {}

        /** The time in nanoseconds, by the clock of all publications and receipts. */
        static long now() {
            return System.nanoTime() - ORIGIN;
        }

        /** A payload of this size, with zeros for the time. */
        static String template(int bytes) {
            String time = START + "0".repeat(TIME_DIGITS);
            return bytes == SHORTEST ? time + END : time + FILLER + filler(bytes) + END;
        }

        /** The {@code p} of a payload of this size. */
        static String filler(int bytes) {
            int length = bytes - SHORTEST - FILLER.length();
            if (length < 0) {
                throw new IllegalArgumentException("there is no payload of " + bytes + " bytes");
            }
            return "x".repeat(length);
        }
    }
}
