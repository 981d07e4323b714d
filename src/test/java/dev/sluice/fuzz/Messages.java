package dev.sluice.fuzz;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Random messages: of every kind, with unusual values, names and structure, and some with single characters changed.
 */
public final class Messages {

    private static final List<String> ACTIONS = List.of(
            "subscribe", "unsubscribe", "subscribe_upload", "unsubscribe_upload", "ping", "pong", "dance", "auth");

    private static final List<String> NAMES = List.of(
            "action",
            "type",
            "token",
            "id",
            "channel",
            "channels",
            "upload_id",
            "__proto__",
            "constructor",
            "toString",
            "class",
            "@type",
            "$ref",
            "",
            "a\\u0063tion",
            "Action",
            "\\ud800",
            "\\u0000");

    private static final List<String> IDS = List.of(
            "42",
            "kept",
            "a:b",
            "*",
            "[a-z]",
            "?",
            "\\\\",
            "../..",
            "\\r\\nPUBLISH user:1 x",
            "\\u0000",
            "\\u001b[31m",
            "\\ud800",
            "\\udc00\\ud800",
            "\uD83D\uDE00",
            "ü",
            "\u2028",
            "\uFEFF",
            "__proto__",
            " ",
            "");

    private static final List<String> PREFIXES = List.of(
            "upload:", "upload:", "upload:", "user:", "sluice:canary:", "sluice:", "UPLOAD:", "upload", ":", "", "::");

    private static final List<String> NUMBERS = List.of(
            "0",
            "-0",
            "1",
            "1.50",
            "1E+3",
            "1e400",
            "-1e-400",
            "1e2147483648",
            "1e99999999999",
            "9007199254740993",
            "123456789012345678901234567890",
            "0.1e1",
            "01",
            "+1",
            ".5",
            "1.",
            "0x10",
            "NaN",
            "Infinity",
            "-");

    private static final List<Integer> LENGTHS = List.of(1, 16, 255, 256, 257, 1023, 1024, 1025, 5_000, 30_000);

    private static final String NOISE =
            "{}[]:,\"\\'/*#-+.eE0129tfnu \t\r\n\u0000\u0007\u007f\u0085\u2028\uFEFF\uD800\uDFFFü";

    private final SplittableRandom random;

    public Messages(long seed) {
        random = new SplittableRandom(seed);
    }

    /** Returns another message. */
    public String next() {
        String message = switch (random.nextInt(20)) {
            case 0 -> value(0);
            case 1 -> noise(random.nextInt(200));
            case 2 -> nested(random.nextInt(1, 40), random.nextBoolean());
            case 3 -> nested(random.nextInt(1_000, 10_000), random.nextBoolean());
            default -> object();
        };
        if (chance(4)) {
            message = edited(message);
        }
        if (chance(40)) {
            message = message + one(List.of(" ", "\n", "x", ",", "{}", message));
        }
        return message;
    }

    private String object() {
        List<String> fields = new ArrayList<>();
        String action = one(ACTIONS);
        if (action.equals("auth")) {
            fields.add(field("type", chance(10) ? value(0) : quoted("auth")));
            fields.add(field("token", chance(5) ? value(0) : quoted("token")));
        } else {
            fields.add(field("action", chance(20) ? value(0) : quoted(action)));
            if (action.endsWith("_upload")) {
                fields.add(field("upload_id", chance(5) ? value(0) : quoted(id())));
            } else if (action.endsWith("subscribe")) {
                fields.add(
                        chance(2)
                                ? field("channel", chance(5) ? value(0) : quoted(channel()))
                                : field("channels", channels()));
            }
        }
        if (chance(3)) {
            fields.add(field("id", chance(3) ? value(0) : chance(2) ? one(NUMBERS) : quoted(id())));
        }
        for (int more = random.nextInt(4); more > 1; more--) {
            // Often an existing name.
            fields.add(field(one(NAMES), value(0)));
        }
        if (chance(10)) {
            fields.remove(random.nextInt(fields.size()));
        }
        if (chance(4)) {
            Collections.reverse(fields);
        }
        return "{" + String.join(chance(20) ? ",," : ",", fields) + "}";
    }

    private String channels() {
        int size = chance(20) ? random.nextInt(250, 260) : random.nextInt(6);
        List<String> names = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            names.add(chance(50) ? value(0) : quoted(channel()));
        }
        return "[" + String.join(",", names) + "]";
    }

    private String channel() {
        return one(PREFIXES) + id();
    }

    private String id() {
        return switch (random.nextInt(12)) {
            case 0 -> one(List.of("x", "\\u0001", "ü", "\uD83D\uDE00")).repeat(one(LENGTHS) / 4);
            case 1, 2, 3, 4 -> String.valueOf(random.nextInt(1_000));
            default -> one(IDS);
        };
    }

    private String value(int depth) {
        return switch (random.nextInt(depth > 4 ? 8 : 10)) {
            case 0 -> one(List.of("null", "true", "false", "undefined", "nul", "True"));
            case 1 -> one(NUMBERS);
            case 2 -> (chance(2) ? "" : "-") + "9".repeat(one(LENGTHS)) + (chance(2) ? "" : ".5");
            case 3 -> quoted(channel());
            case 4 -> quoted(one(IDS));
            case 5 -> quoted("x".repeat(one(LENGTHS)));
            case 6 -> one(List.of("[]", "{}", "[null]", "[[]]", "\"\\x\"", "\"\\u12\"", "\"\n\"", "'a'"));
            case 7 -> nested(random.nextInt(1, 20), random.nextBoolean());
            case 8 -> "[" + value(depth + 1) + "," + value(depth + 1) + "]";
            default -> "{" + field(one(NAMES), value(depth + 1)) + "," + field(one(NAMES), value(depth + 1)) + "}";
        };
    }

    private String nested(int depth, boolean closed) {
        return chance(2)
                ? "[".repeat(depth) + (closed ? "]".repeat(depth) : "")
                : "{\"a\":".repeat(depth) + "1" + (closed ? "}".repeat(depth) : "");
    }

    private String edited(String text) {
        StringBuilder edited = new StringBuilder(text);
        for (int edits = random.nextInt(1, 4); edits > 0 && !edited.isEmpty(); edits--) {
            int at = random.nextInt(edited.length());
            switch (random.nextInt(4)) {
                case 0 -> edited.deleteCharAt(at);
                case 1 -> edited.insert(at, noise(1));
                case 2 -> edited.setCharAt(at, noise(1).charAt(0));
                default -> edited.setLength(at);
            }
        }
        return edited.toString();
    }

    private String noise(int length) {
        StringBuilder noise = new StringBuilder(length);
        for (int i = 0; i < length; i++) {
            noise.append(NOISE.charAt(random.nextInt(NOISE.length())));
        }
        return noise.toString();
    }

    private static String field(String name, String value) {
        return quoted(name) + ":" + value;
    }

    private static String quoted(String text) {
        return "\"" + text + "\"";
    }

    private <T> T one(List<T> of) {
        return of.get(random.nextInt(of.size()));
    }

    /** Returns true once in the given number of times. */
    private boolean chance(int times) {
        return random.nextInt(times) == 0;
    }
}
