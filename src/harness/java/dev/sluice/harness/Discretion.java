package dev.sluice.harness;

import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Checks that no log contains a secret. Thread-safe. */
public final class Discretion {

    private static final Pattern SECRET = Pattern.compile(String.join(
            "|",
            // A token or part of one: base64 of a JSON object.
            "eyJ[\\w-]{6}",
            "(?i:bearer +[\\w.~+/-]{6})",
            "(?i:\\b(authorization|cookie|set-cookie) *[:=])",
            "PRIVATE KEY",
            // A password in a URL.
            "\\w://[^/\\s@]*:[^/\\s@]+@"));

    /** Allowed characters; others come from outside, and may make one line look like several. */
    private static final Pattern FOREIGN = Pattern.compile("[^\\n\\t -~]");

    /** The minimum length of a checked secret: shorter text may be in any log by chance. */
    private static final int SHORTEST = 10;

    /** The number of bytes that identify a payload. */
    private static final int LONGEST = 40;

    private static final int MOST = 5_000;

    /** How much of the log a failure shows around the secret. */
    private static final int CONTEXT = 200;

    private static final Set<String> PAYLOADS = new LinkedHashSet<>();

    private Discretion() {}

    /** Adds a payload that no log may contain; old payloads are dropped when there are too many. */
    public static void published(byte[] payload) {
        if (payload.length >= SHORTEST) {
            String beginning = new String(payload, 0, Math.min(LONGEST, payload.length), StandardCharsets.UTF_8);
            synchronized (PAYLOADS) {
                PAYLOADS.add(beginning);
                if (PAYLOADS.size() > MOST) {
                    PAYLOADS.remove(PAYLOADS.iterator().next());
                }
            }
        }
    }

    /**
     * Fails if the log contains a secret.
     *
     * @param secrets further secrets that this log must not contain
     */
    public static void assertKept(String log, Collection<String> secrets) {
        refuse("secret in the log", SECRET, log);
        refuse("unescaped text from outside in the log", FOREIGN, log);
        Stream.concat(secrets.stream().filter(secret -> secret.length() >= SHORTEST), payloads().stream())
                .filter(log::contains)
                .findFirst()
                .ifPresent(told -> refuse("secret in the log", Pattern.compile(Pattern.quote(told)), log));
    }

    private static void refuse(String what, Pattern pattern, String log) {
        Matcher found = pattern.matcher(log);
        if (found.find()) {
            int from = Math.max(0, found.start() - CONTEXT);
            int to = Math.min(log.length(), found.end() + CONTEXT);
            throw new AssertionError("the log contains " + what + ": ..." + log.substring(from, to) + "...");
        }
    }

    private static List<String> payloads() {
        synchronized (PAYLOADS) {
            return List.copyOf(PAYLOADS);
        }
    }
}
