package dev.sluice.harness.attack;

import dev.sluice.harness.attack.Attackers.Step;
import dev.sluice.harness.attack.Attackers.Tally;
import dev.sluice.harness.attack.WebSocketAttacks.Resumers;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/** The attacks. The wire tests run the short ones, bench/attack all of them. */
// Its steps are methods without state, and its lists can't be changed.
@SuppressWarnings("ImmutableEnumChecker")
public enum Attack {
    NONE("nothing, for comparison", 0, "", "", by -> {}),

    FLOOD_OF_FRAMES(
            "4 users send `pong` without pause, and reconnect when they are closed",
            Attack.FEW,
            "frames",
            "refused frames-per-second",
            WebSocketAttacks::pongs),

    FLOOD_OF_PINGS(
            "the same with WebSocket pings of 125 bytes",
            Attack.FEW,
            "frames",
            "refused frames-per-second",
            WebSocketAttacks::pings),

    FLOOD_OF_QUESTIONS(
            "the same with messages of 7 KB that need 256 answers of 6 KB each",
            Attack.FEW,
            "frames",
            "refused frames-per-second",
            WebSocketAttacks::questions),

    COSTLY_MESSAGES(
            "200 unauthenticated WebSockets at a time send 504 messages of 32 KB each, with 10,000 empty objects",
            Attack.MANY,
            "messages",
            "auth_failures not_auth",
            WebSocketAttacks::costlyMessagesBeforeAuthentication),

    COSTLY_MESSAGES_OF_USERS(
            "the same by 200 users",
            Attack.MANY,
            "messages",
            "answers bad_message",
            WebSocketAttacks::costlyMessagesOfUsers),

    HELD_MESSAGES(
            "200 WebSockets at a time send 63 such messages after a token that waits 1.9 seconds for a key server",
            Attack.MANY,
            "messages",
            "answers 101",
            WebSocketAttacks::heldMessages),

    FRAMES_TOO_LARGE(
            "users connect, and begin a message of 2^62 bytes",
            Attack.CROWD,
            "messages",
            "disconnects frame_too_large",
            WebSocketAttacks::tooLarge),

    SILENT_SOCKETS(
            "10,000 WebSockets, 1,500 a second, stay open and never authenticate",
            Attack.CROWD,
            "attempts",
            "auth_failures timeout",
            WebSocketAttacks::silent),

    SILENT_WAVES(
            "1,500 WebSockets a second never authenticate, while clients with valid tokens also connect",
            Attack.CROWD,
            "attempts",
            "answers " + Tally.WELCOME,
            WebSocketAttacks::silentWaves),

    IDLE_SOCKETS(
            "more idle connections than the limit, here 5,000, each with a tiny request now and then",
            Attack.CROWD,
            "requests",
            "refused max-connections",
            HttpAttacks::idle,
            List.of(
                    "-Dsluice.limits.connections=4000",
                    "-Dquarkus.http.limits.max-connections=" + HttpAttacks.MAX_CONNECTIONS,
                    "-Dquarkus.http.idle-timeout=15s")),

    STORM_OF_CONNECTS(
            "WebSockets are opened and reset at once",
            Attack.CROWD,
            "connects",
            "answers 101",
            WebSocketAttacks::comeAndGo),

    FORGED_TOKENS(
            "WebSockets with a token that no known key has signed",
            Attack.CROWD,
            "tokens",
            "auth_failures signature",
            WebSocketAttacks::forgedTokens),

    ENDLESS_HEADERS(
            "upgrades with a header of 1 MB", Attack.CROWD, "requests", "answers 431", HttpAttacks::headersWithoutEnd),

    MANY_HEADERS(
            "200 connections at a time, each with a request of 4,900 header lines of four bytes",
            Attack.MANY,
            "requests",
            "refused header-lines",
            HttpAttacks::manyHeaders),

    SLOW_UPGRADES(
            "2,000 upgrades at a time, each with one byte a second",
            Attack.CROWD,
            "requests",
            "refused request-timeout",
            HttpAttacks::slowUpgrades),

    SLOW_BODIES(
            "1,000 posts at a time by a publisher, each body with one byte a second",
            Attack.CROWD,
            "requests",
            "answers 408",
            HttpAttacks::slowBodies),

    ENDLESS_BODIES(
            "posts of 32 MB in chunks by a publisher",
            Attack.CROWD,
            "requests",
            "answers 413",
            HttpAttacks::endlessBodies),

    PIPELINED_REQUESTS(
            "requests as fast as the pod takes them; their answers are not read",
            Attack.CROWD,
            "requests",
            "refused pipelined-requests",
            HttpAttacks::pipelined),

    MALFORMED_REQUESTS(
            "requests that are not HTTP/1.1", Attack.CROWD, "requests", "answers 400", HttpAttacks::malformed),

    RESUME_STORM(
            "1,000 clients reconnect repeatedly, each with a position from a minute ago",
            1_000,
            "resumes",
            "answers recovered",
            Resumers::resume),

    UNDECIDED(
            "64 users subscribe to 256 channels at a time; the route's webhook never answers",
            64,
            "questions",
            "answers unavailable",
            WebSocketAttacks::undecided),

    API_WITHOUT_RIGHT(
            "requests to the HTTP API with forged tokens, without a token, or with the wrong role",
            Attack.CROWD,
            "requests",
            "answers 401",
            HttpAttacks::withoutRight),

    API_RUBBISH(
            "invalid requests of a publisher: bodies nested 10,000 deep, reserved channels, and others",
            Attack.CROWD,
            "requests",
            "answers 400",
            HttpAttacks::rubbish),

    PUBLISH_FLOOD(
            "a publisher posts 200 bytes to an absent user, over 16 connections, 8 posts at a time on each",
            16,
            "posts",
            "answers 202",
            HttpAttacks::publish);

    /** The age of the position from which attackers resume. */
    public static final Duration ABSENCE = Duration.ofSeconds(60);

    /** To how many of the other clients' channels an attacker that resumes listens: {@code upload:0} and so on. */
    public static final int UPLOADS = 20;

    /** Enough attackers to keep one core of the pod busy with messages. */
    static final int FEW = 4;

    /** Enough to keep it busy with connections. */
    static final int CROWD = 8;

    /** Enough WebSockets to exhaust a small heap with unhandled data. */
    static final int MANY = 200;

    private final String description;
    private final int attackers;
    private final String unit;
    private final String proof;
    private final Step step;
    private final List<String> settings;

    Attack(String description, int attackers, String unit, String proof, Step step) {
        this(description, attackers, unit, proof, step, List.of());
    }

    Attack(String description, int attackers, String unit, String proof, Step step, List<String> settings) {
        this.description = description;
        this.attackers = attackers;
        this.unit = unit;
        this.proof = proof;
        this.step = step;
        this.settings = settings;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    public String description() {
        return description;
    }

    /** Whether tokens are verified with the key of a slow server. */
    public boolean needsKeyServer() {
        return this == HELD_MESSAGES;
    }

    /** Whether attackers were here before. */
    public boolean resumes() {
        return this == RESUME_STORM;
    }

    /** Simultaneous attackers. */
    int attackers() {
        return attackers;
    }

    /** The unit of what is counted. */
    public String unit() {
        return unit;
    }

    /** What the pod counts or answers that proves that the attack took place. */
    public String proof() {
        return proof;
    }

    /** JVM options of the pod that only this attack needs. */
    public List<String> settings() {
        return settings;
    }

    Step step() {
        return step;
    }
}
