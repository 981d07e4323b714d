package dev.sluice.fuzz;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.SplittableRandom;

/** Random data after the upgrade: nearly valid and invalid frames, and plain bytes. */
public final class Frames {

    private static final int FINAL = 0x80;
    private static final int MASKED = 0x80;
    private static final int CLOSE = 8;
    private static final int[] OPCODES = {0, 1, 1, 1, 1, 2, CLOSE, 9, 10};
    private static final int[] CLOSE_CODES = {0, 999, 1000, 1001, 1004, 1005, 1006, 1015, 2999, 4001, 5000, 65535};

    private final SplittableRandom random;
    private final Messages messages;

    public Frames(long seed) {
        random = new SplittableRandom(seed);
        messages = new Messages(seed);
    }

    /** Returns some frames, of which the last may be incomplete. */
    public byte[] next(int atMost) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (int i = random.nextInt(atMost); i >= 0; i--) {
            all.writeBytes(chance(40) ? bytes(random.nextInt(300)) : frame());
        }
        byte[] sent = all.toByteArray();
        return chance(8) && sent.length > 0 ? Arrays.copyOf(sent, random.nextInt(sent.length)) : sent;
    }

    private byte[] frame() {
        int first = chance(10)
                ? random.nextInt(256)
                : OPCODES[random.nextInt(OPCODES.length)] | (chance(6) ? 0 : FINAL) | (chance(30) ? 0x40 : 0);
        byte[] payload = (first & 0x0f) == CLOSE ? farewell() : payload();
        if ((first & 0x08) != 0 && payload.length > 125 && !chance(5)) {
            payload = Arrays.copyOf(payload, 125);
        }
        ByteArrayOutputStream frame = new ByteArrayOutputStream();
        frame.write(first);
        int masked = chance(30) ? 0 : MASKED;
        frame.writeBytes(length(masked, chance(30) ? lie(payload.length) : payload.length));
        byte[] mask = bytes(4);
        if (masked != 0) {
            frame.writeBytes(mask);
            for (int i = 0; i < payload.length; i++) {
                payload[i] ^= mask[i % 4];
            }
        }
        frame.writeBytes(payload);
        return frame.toByteArray();
    }

    private byte[] length(int masked, long length) {
        if (length >= 0 && length < 126 && !chance(20)) {
            return new byte[] {(byte) (masked | (int) length)};
        }
        if (length >= 0 && length < 65_536 && !chance(20)) {
            return ByteBuffer.allocate(3)
                    .put((byte) (masked | 126))
                    .putShort((short) length)
                    .array();
        }
        return ByteBuffer.allocate(9).put((byte) (masked | 127)).putLong(length).array();
    }

    private long lie(int length) {
        return switch (random.nextInt(4)) {
            case 0 -> length + 1 + random.nextInt(100);
            case 1 -> length / 2;
            case 2 -> Long.MAX_VALUE - random.nextInt(10);
            default -> random.nextLong();
        };
    }

    private byte[] payload() {
        return switch (random.nextInt(10)) {
            case 0 -> new byte[0];
            case 1 -> bytes(random.nextInt(200));
            case 2 -> new byte[] {'"', (byte) 0xc3, (byte) (chance(2) ? 0x28 : 0xff), '"'};
            case 3 -> bytes(random.nextInt(40_000));
            default -> messages.next().getBytes(StandardCharsets.UTF_8);
        };
    }

    private byte[] farewell() {
        int code = CLOSE_CODES[random.nextInt(CLOSE_CODES.length)];
        byte[] reason = bytes(random.nextInt(20));
        return switch (random.nextInt(4)) {
            case 0 -> new byte[0];
            case 1 -> new byte[] {3};
            case 2 -> ByteBuffer.allocate(2).putShort((short) code).array();
            default ->
                ByteBuffer.allocate(2 + reason.length)
                        .putShort((short) code)
                        .put(reason)
                        .array();
        };
    }

    private byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    /** Returns true once in the given number of times. */
    private boolean chance(int times) {
        return random.nextInt(times) == 0;
    }
}
