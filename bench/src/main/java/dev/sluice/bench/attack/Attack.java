package dev.sluice.bench.attack;

import java.io.IOException;
import java.util.List;
import java.util.Locale;

/** What somebody might do to a pod to spoil it for the others. */
enum Attack {
    NONE("nothing, for comparison", 0, "", "", by -> {}),

    FLOOD_OF_FRAMES(
            "4 users say `pong` without end, and come back when they are cut off",
            Attack.FEW,
            "frames",
            "refused frames-per-second",
            Talkers::pongs),

    FLOOD_OF_PINGS(
            "the same with pings of the WebSocket protocol, of 125 bytes each",
            Attack.FEW,
            "frames",
            "refused frames-per-second",
            Talkers::pings),

    FLOOD_OF_QUESTIONS(
            "the same with subscriptions to 256 channels that can't be, for an `id` of 1,024 characters that must be escaped:"
                    + " 256 answers of 6 KB for a message of 7",
            Attack.FEW,
            "frames",
            "refused frames-per-second",
            Talkers::questions),

    COSTLY_MESSAGES(
            "200 WebSockets at a time that never authenticate and say 504 messages of 32 KB each as fast as they are taken: a"
                    + " list of 10,000 empty objects behind a character that is not Latin",
            Attack.MANY,
            "messages",
            "auth_failures not_auth",
            Strangers::costlyMessages),

    COSTLY_MESSAGES_OF_USERS(
            "the same by 200 users", Attack.MANY, "messages", "answers bad_message", Talkers::costlyMessages),

    HELD_MESSAGES(
            "200 WebSockets at a time whose token must wait for a server of keys that takes 1.9 seconds, and who send 63 such"
                    + " messages behind it",
            Attack.MANY,
            "messages",
            "answers 101",
            Strangers::heldMessages),

    FRAMES_TOO_LARGE(
            "users connect, and send the beginning of a message of 2^62 bytes",
            Attack.CROWD,
            "messages",
            "disconnects frame_too_large",
            Talkers::tooLarge),

    SILENT_SOCKETS(
            "10,000 WebSockets, 1,500 a second, that never authenticate and are held",
            Attack.CROWD,
            "attempts",
            "auth_failures timeout",
            Strangers::silent),

    SILENT_WAVES(
            "1,500 WebSockets a second that never authenticate, while newcomers with good tokens come as well, in turn with"
                    + " the token on the upgrade and in the first message",
            Attack.CROWD,
            "attempts",
            "answers " + Tally.WELCOME,
            Strangers::silentWaves),

    IDLE_SOCKETS(
            "more idle connections than a pod may have, here 5,000, each with a tiny request now and then",
            Attack.CROWD,
            "requests",
            "refused max-connections",
            Strangers::idle,
            List.of(
                    "-Dsluice.limits.connections=4000",
                    "-Dquarkus.http.limits.max-connections=" + Strangers.MAX_CONNECTIONS,
                    "-Dquarkus.http.idle-timeout=15s")),

    STORM_OF_CONNECTS(
            "WebSockets that are opened and reset at once",
            Attack.CROWD,
            "connects",
            "answers 101",
            Strangers::comeAndGo),

    FORGED_TOKENS(
            "WebSockets whose token is signed by nobody",
            Attack.CROWD,
            "tokens",
            "auth_failures signature",
            Strangers::forgedTokens),

    ENDLESS_HEADERS(
            "upgrades with a header of 1 MB", Attack.CROWD, "requests", "answers 431", Strangers::headersWithoutEnd),

    MANY_HEADERS(
            "200 connections at a time, each with a request of 4,900 header lines of four bytes and no end",
            Attack.MANY,
            "requests",
            "refused header-lines",
            Strangers::manyHeaders),

    SLOW_UPGRADES(
            "2,000 upgrades at a time, in each of which one more byte comes every second",
            Attack.CROWD,
            "requests",
            "refused request-timeout",
            Strangers::slowUpgrades),

    SLOW_BODIES(
            "1,000 posts at a time by a publisher, the same with their bodies",
            Attack.CROWD,
            "requests",
            "answers 408",
            Callers::slowBodies),

    UNDECIDED(
            "64 users who subscribe to 256 channels at a time of which a webhook must decide that never answers",
            64,
            "questions",
            "answers unavailable",
            Talkers::undecided),

    API_WITHOUT_RIGHT(
            "the HTTP API, asked with forged tokens, none, and those of the wrong role",
            Attack.CROWD,
            "requests",
            "answers 401",
            Callers::withoutRight),

    API_RUBBISH(
            "the HTTP API, asked by a publisher for what can't be: bodies nested 10,000 deep, reserved channels, and the like",
            Attack.CROWD,
            "requests",
            "answers 400",
            Callers::rubbish),

    PUBLISH_FLOOD(
            "a publisher posts 200 bytes to a user who is not here, over 16 connections, 8 posts at a time on each",
            16,
            "posts",
            "answers 202",
            Callers::publish);

    /** As many as it takes to keep one core of the pod busy by talking. */
    static final int FEW = 4;

    /** The same by coming and going. */
    static final int CROWD = 8;

    /** As many WebSockets as it takes to exhaust a small heap by what is read of each. */
    static final int MANY = 200;

    /** What one attacker does again and again. */
    private interface Assault {
        void once(Attacker by) throws IOException;
    }

    private final String description;
    private final int attackers;
    private final String unit;
    private final String proof;
    private final Assault assault;
    private final List<String> settings;

    Attack(String description, int attackers, String unit, String proof, Assault assault) {
        this(description, attackers, unit, proof, assault, List.of());
    }

    Attack(String description, int attackers, String unit, String proof, Assault assault, List<String> settings) {
        this.description = description;
        this.attackers = attackers;
        this.unit = unit;
        this.proof = proof;
        this.assault = assault;
        this.settings = settings;
    }

    String id() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    String description() {
        return description;
    }

    /** Whether tokens are verified with the key of a server that takes its time. */
    boolean needsKeyServer() {
        return this == HELD_MESSAGES;
    }

    /** How many attack at the same time. */
    int attackers() {
        return attackers;
    }

    /** What is counted of it. */
    String unit() {
        return unit;
    }

    /** What the pod counts or answers that shows that it took place. */
    String proof() {
        return proof;
    }

    /** Options of the pod's JVM that only this attack needs. */
    List<String> settings() {
        return settings;
    }

    void once(Attacker by) throws IOException {
        assault.once(by);
    }
}
