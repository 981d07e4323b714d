package dev.sluice.fuzz;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Random frames of the Centrifuge protocol: commands of every kind, with unusual values, and other messages. */
public final class CentrifugeCommands {

    private static final List<String> METHODS = List.of(
            "connect",
            "refresh",
            "subscribe",
            "subscribe",
            "subscribe",
            "unsubscribe",
            "ping",
            "history",
            "presence",
            "presence_stats",
            "publish",
            "rpc",
            "send",
            "sub_refresh",
            "map_subscribe",
            "__proto__");

    private static final List<String> IDS = List.of(
            "0",
            "-1",
            "1",
            "1",
            "2",
            "\"1\"",
            "1.0",
            "1e3",
            "4294967295",
            "4294967296",
            "9007199254740993",
            "123456789012345678901234567890",
            "null",
            "[]",
            "true");

    /** The largest valid id; no command of {@link #answerable} has it. */
    public static final long MAX_ID = 4_294_967_295L;

    private static final List<String> OFFSETS = List.of(
            "0",
            "-1",
            "16777219",
            "33554432",
            "\"16777219\"",
            "1.5",
            "1152921504606846976",
            "18446744073709551615",
            "18446744073709551616",
            "null",
            "{}");

    private static final List<String> EPOCHS =
            List.of("18f3c-9a1b", "0-0", "_", "", "18F3C-9A1B", "-", "ffffffffffffffff-ffffffff", "xyzw");

    private static final List<String> CHANNELS = List.of(
            "upload:1",
            "upload:2",
            "upload:3",
            "user:7",
            "user:8",
            "$upload:1",
            "upload:1#7",
            "upload:",
            "nowhere:1",
            "upload:\\ud800",
            "",
            "sluice:clock:1");

    private final SplittableRandom random;
    private final Messages messages;

    public CentrifugeCommands(long seed) {
        random = new SplittableRandom(seed);
        messages = new Messages(seed);
    }

    /** Returns another frame. */
    public String next() {
        if (chance(20)) {
            return messages.next();
        }
        int count = chance(500) ? random.nextInt(900, 1100) : chance(3) ? random.nextInt(1, 6) : 1;
        String frame = Stream.generate(this::command).limit(count).collect(Collectors.joining("\n"));
        if (chance(10) && !frame.isEmpty()) {
            int at = random.nextInt(frame.length());
            return frame.substring(0, at) + (chance(2) ? "" : "\n") + frame.substring(chance(2) ? at : at + 1);
        }
        return chance(10) ? frame + "\n" : frame;
    }

    /** Returns a frame of one or two commands, each with a valid id, after which the connection stays open. */
    public String answerable() {
        return chance(3) ? answerableCommand() + "\n" + answerableCommand() : answerableCommand();
    }

    private String answerableCommand() {
        // The first method is the second connect of a connection, which ends it.
        String method = METHODS.get(random.nextInt(1, METHODS.size()));
        long id = chance(10) ? MAX_ID - random.nextInt(1, 9) : random.nextInt(1, 1_000);
        return "{\"id\":" + id + ",\"" + method + "\":" + parameters() + "}";
    }

    private String command() {
        if (chance(20)) {
            return chance(4) ? "" : "{}";
        }
        List<String> fields = new ArrayList<>();
        if (!chance(20)) {
            fields.add("\"id\":" + (chance(5) ? one(IDS) : random.nextInt(1, 1_000)));
        }
        fields.add("\"" + one(METHODS) + "\":" + parameters());
        if (chance(30)) {
            fields.add("\"" + one(METHODS) + "\":" + parameters());
        }
        return "{" + String.join(",", fields) + "}";
    }

    private String parameters() {
        if (chance(30)) {
            return one(List.of("null", "7", "[]", "\"x\"", "{}", "{\"a\":[[[]]]}"));
        }
        List<String> fields = new ArrayList<>();
        if (!chance(10)) {
            fields.add("\"channel\":" + (chance(20) ? "7" : "\"" + one(CHANNELS) + "\""));
        }
        if (chance(3)) {
            fields.add("\"token\":" + (chance(10) ? "7" : "\"token\""));
        }
        if (chance(3)) {
            fields.add("\"recover\":" + (chance(10) ? "1" : "true"));
            fields.add(position());
        }
        if (chance(5)) {
            fields.add("\"subs\":{\"user:7\":{\"recover\":true," + position() + "}}");
        }
        if (chance(5)) {
            fields.add("\"since\":{" + position() + "}");
        }
        if (chance(4)) {
            fields.add("\"limit\":" + one(List.of("-1", "0", "1", "10", "99999999999", "1.5", "\"1\"")));
        }
        if (chance(5)) {
            fields.add("\"reverse\":" + one(List.of("true", "false", "1")));
        }
        if (chance(4)) {
            fields.add("\"flag\":" + random.nextInt(8));
        }
        if (chance(20)) {
            fields.add("\"type\":" + random.nextInt(5));
        }
        if (chance(4)) {
            fields.add("\"data\":" + one(List.of("{}", "[1,2]", "\"x\"", "{\"channel\":\"upload:1\"}")));
        }
        return "{" + String.join(",", fields) + "}";
    }

    private String position() {
        return "\"epoch\":\"" + one(EPOCHS) + "\",\"offset\":" + one(OFFSETS);
    }

    private <T> T one(List<T> of) {
        return of.get(random.nextInt(of.size()));
    }

    /** Returns true once in the given number of times. */
    private boolean chance(int times) {
        return random.nextInt(times) == 0;
    }
}
