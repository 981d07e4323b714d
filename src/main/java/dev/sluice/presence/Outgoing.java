package dev.sluice.presence;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.sluice.fleet.AnswerBuilder;
import dev.sluice.route.Channel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The users of this pod, and what it has to tell the other pods of them. Changes gather, and the newest of each user
 * replaces earlier ones. Not thread-safe.
 */
final class Outgoing {

    /** How often the pod tells its version. */
    static final long ALIVE_NANOS = TimeUnit.SECONDS.toNanos(5);

    /** How long changes gather. */
    private static final long GATHER_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

    /** How long requests for all users gather, which one answer then serves. */
    private static final long REQUESTS_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

    /** The pause before what must arrive is sent again. */
    private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** Beyond it, the other pods are left to ask for all users. */
    private static final int MAX_CHANGES = 20_000;

    /** The pods named in one request. */
    private static final int MAX_NAMED = 100;

    static final String FROM = "from";
    static final String NUMBER = "n";
    static final String KIND = "kind";
    static final String VERSION = "version";
    static final String SIZE = "size";
    static final String PART = "part";
    static final String LAST = "last";
    static final String IN = "in";
    static final String OUT = "out";
    static final String KNOWN = "known";
    static final String OTHERS = "others";

    static final String CHANGES = "changes";
    static final String ALL = "all";
    static final String ALIVE = "alive";
    static final String GRACE = "grace";
    static final String WANT = "want";

    private record Pair(String section, Channel channel, String user, long nanos) {}

    private final String id;
    private final LongSupplier nanoTime;
    private final Function<String, Long> versions;
    private final Runnable tooLong;
    private final Map<Channel, Set<String>> own = new HashMap<>();
    private int size;
    private Map<Channel, Map<String, Boolean>> changes = new LinkedHashMap<>();
    private int changed;
    private long version;
    private long number;
    private long nextChanges;
    private long nextAlive;
    private boolean hello;

    /** Whether the last message was the hello. */
    private boolean helloSent;

    /** When the hello was delivered; {@code null} before that. */
    private @Nullable Long greetedAt;

    /** When what was not delivered may be sent again. */
    private long retryAt;

    private Collection<String> greeted = List.of();
    private final Set<String> wanted = new LinkedHashSet<>();

    /** When all users are to be sent; {@code null} if no pod asked. */
    private @Nullable Long sendAllAt;

    /** The rest of what is sent in several messages, all of one kind. */
    private @Nullable Iterator<Pair> rest;

    private String kind = ALL;
    private @Nullable Pair unsent;
    private int part;
    private List<UserTable.Lingering> graces = List.of();

    /** The graces of which the last message had some. */
    private List<UserTable.Lingering> sentGraces = List.of();

    /**
     * Creates a pod without users.
     *
     * @param versions the version of another pod that this one knows; -1 if it knows none
     * @param tooLong called if names are too long for a message
     */
    Outgoing(String id, LongSupplier nanoTime, Function<String, Long> versions, Runnable tooLong) {
        this.id = id;
        this.nanoTime = nanoTime;
        this.versions = versions;
        this.tooLong = tooLong;
        this.nextChanges = nanoTime.getAsLong();
        this.nextAlive = nextChanges;
        this.retryAt = nextChanges;
    }

    long version() {
        return version;
    }

    void joined(Channel channel, String user) {
        if (own.computeIfAbsent(channel, x -> new HashSet<>()).add(user)) {
            size++;
            change(channel, user, true);
        }
    }

    void left(Channel channel, String user) {
        Set<String> users = own.get(channel);
        if (users != null && users.remove(user)) {
            size--;
            if (users.isEmpty()) {
                own.remove(channel);
            }
            change(channel, user, false);
        }
    }

    private void change(Channel channel, String user, boolean present) {
        if (changes.computeIfAbsent(channel, x -> new LinkedHashMap<>()).put(user, present) == null
                && ++changed > MAX_CHANGES) {
            changes = new LinkedHashMap<>();
            changed = 0;
            version++;
            wantedAll();
        }
    }

    /** Asks all pods for their users, and tells them which versions this pod knows. */
    void hello(Collection<String> known) {
        hello = true;
        helloSent = false;
        greetedAt = null;
        greeted = known;
        nextAlive = nanoTime.getAsLong();
    }

    /** Whether all pods were asked by that time. */
    boolean isGreeted(long by) {
        return greetedAt != null && greetedAt - by < 0;
    }

    /**
     * The last message was delivered, or not. Only a hello and graces are sent again: of the others, pods notice the loss.
     */
    void sent(boolean delivered) {
        long now = nanoTime.getAsLong();
        if (helloSent) {
            hello = !delivered;
            greetedAt = delivered ? (Long) now : null;
        }
        if (!delivered) {
            retryAt = now + RETRY_NANOS;
            if (!sentGraces.isEmpty()) {
                graces = graces.isEmpty() ? sentGraces : graces;
                rest = null;
                unsent = null;
            }
        }
        helloSent = false;
        if (rest == null) {
            sentGraces = List.of();
        }
    }

    /** Asks one pod for its users. */
    void want(String pod) {
        wanted.add(pod);
    }

    /** Another pod knows of this version; -1 if of none. */
    void asked(long known) {
        if (known == version) {
            nextAlive = nanoTime.getAsLong();
        } else {
            wantedAll();
        }
    }

    private void wantedAll() {
        if (sendAllAt == null) {
            sendAllAt = nanoTime.getAsLong() + REQUESTS_NANOS;
        }
    }

    /** Tells new pods of users in their grace. */
    void grace(List<UserTable.Lingering> users) {
        graces = users;
    }

    /** Returns the next message; {@code null} if none is due. */
    @Nullable
    ObjectNode next() {
        long now = nanoTime.getAsLong();
        if (rest != null) {
            return part();
        }
        boolean again = retryAt - now <= 0;
        if (hello && again) {
            hello = false;
            helloSent = true;
            return want(greeted, true);
        }
        if (!wanted.isEmpty()) {
            List<String> some = wanted.stream().limit(MAX_NAMED).toList();
            some.forEach(wanted::remove);
            return want(some, false);
        }
        if (sendAllAt != null && sendAllAt - now <= 0) {
            sendAllAt = null;
            begin(ALL, all());
            nextAlive = now + ALIVE_NANOS;
            return part();
        }
        if (!graces.isEmpty() && again) {
            begin(
                    GRACE,
                    graces.stream()
                            .map(one -> new Pair(GRACE, one.channel(), one.name(), one.nanos()))
                            .iterator());
            sentGraces = graces;
            graces = List.of();
            return part();
        }
        if (changed > 0 && nextChanges - now <= 0) {
            ObjectNode message = changes();
            // A full message has left some over.
            nextChanges = now + (changed > 0 ? 0 : GATHER_NANOS);
            return message;
        }
        if (nextAlive - now <= 0) {
            nextAlive = now + ALIVE_NANOS;
            return message(ALIVE);
        }
        return null;
    }

    private ObjectNode want(Collection<String> pods, boolean others) {
        ObjectNode message = message(WANT).put(OTHERS, others);
        ObjectNode known = message.putObject(KNOWN);
        pods.stream().limit(MAX_NAMED).forEach(pod -> known.put(pod, versions.apply(pod)));
        return message;
    }

    private ObjectNode message(String kind) {
        return JsonNodeFactory.instance
                .objectNode()
                .put(FROM, id)
                .put(NUMBER, ++number)
                .put(KIND, kind)
                .put(VERSION, version)
                .put(SIZE, size);
    }

    private ObjectNode changes() {
        version++;
        ObjectNode message = message(CHANGES);
        Room room = new Room();
        Deque<Channel> done = new ArrayDeque<>();
        for (Map.Entry<Channel, Map<String, Boolean>> ofChannel : changes.entrySet()) {
            Iterator<Map.Entry<String, Boolean>> users =
                    ofChannel.getValue().entrySet().iterator();
            while (users.hasNext()) {
                Map.Entry<String, Boolean> user = users.next();
                Pair pair = new Pair(user.getValue() ? IN : OUT, ofChannel.getKey(), user.getKey(), 0);
                if (room.isTooLong(pair)) {
                    tooLong.run();
                } else if (!room.add(message, pair)) {
                    done.forEach(changes::remove);
                    return message;
                }
                users.remove();
                changed--;
            }
            done.add(ofChannel.getKey());
        }
        changes.clear();
        return message;
    }

    /** A copy, because the pod's users change while the parts are sent; those changes are sent after them. */
    private Iterator<Pair> all() {
        List<Pair> pairs = new ArrayList<>(size);
        own.forEach((channel, users) -> users.forEach(user -> pairs.add(new Pair(IN, channel, user, 0))));
        return pairs.iterator();
    }

    private void begin(String of, Iterator<Pair> pairs) {
        kind = of;
        rest = pairs;
        part = 0;
    }

    private ObjectNode part() {
        Iterator<Pair> pairs = rest == null ? List.<Pair>of().iterator() : rest;
        ObjectNode message = message(kind).put(PART, part++);
        Room room = new Room();
        while (unsent != null || pairs.hasNext()) {
            Pair pair = unsent == null ? pairs.next() : unsent;
            unsent = null;
            if (room.isTooLong(pair)) {
                tooLong.run();
            } else if (!room.add(message, pair)) {
                unsent = pair;
                return message.put(LAST, false);
            }
        }
        rest = null;
        return message.put(LAST, true);
    }

    /** The bytes of the pairs in one message, as they are when signed. */
    private static final class Room {

        /** With the rest, less than the 10,000 bytes of a message. */
        private static final int MAX_BYTES = 9_000;

        /** The quotes, colons, commas and brackets of a pair and of a channel, and the digits of a grace. */
        private static final int AROUND_PAIR = 24;

        private static final int AROUND_CHANNEL = 8;

        private int bytes;

        boolean isTooLong(Pair pair) {
            return length(pair) > MAX_BYTES;
        }

        private static int length(Pair pair) {
            return ofChannel(pair.channel) + ofUser(pair.user);
        }

        private static int ofChannel(Channel channel) {
            return AnswerBuilder.escapedLength(TextNode.valueOf(channel.name()).toString()) + AROUND_CHANNEL;
        }

        private static int ofUser(String user) {
            return AnswerBuilder.escapedLength(TextNode.valueOf(user).toString()) + AROUND_PAIR;
        }

        boolean add(ObjectNode message, Pair pair) {
            String channel = pair.channel.name();
            boolean known = message.path(pair.section).has(channel);
            int length = known ? ofUser(pair.user) : length(pair);
            if (bytes + length > MAX_BYTES) {
                return false;
            }
            bytes += length;
            ObjectNode section = message.withObjectProperty(pair.section);
            if (pair.section.equals(GRACE)) {
                section.withObjectProperty(channel).put(pair.user, TimeUnit.NANOSECONDS.toMillis(pair.nanos));
            } else {
                ArrayNode users = section.withArrayProperty(channel);
                users.add(pair.user);
            }
            return true;
        }
    }

    /** The number of this pod's pairs of a user and a channel. */
    int size() {
        return size;
    }
}
