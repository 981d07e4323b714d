package dev.sluice.linger;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.sluice.control.SubscriptionsMessage;
import dev.sluice.registry.LingeringSubscriptions;
import dev.sluice.route.Channel;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What the other pods are yet to be told, gathered into messages of bounded length. A user's subscriptions may be spread
 * over several. Not safe for use by several threads, except {@link #isOwn}.
 */
final class OutgoingSubscriptions {

    static final String USERS = "users";

    private static final String FROM = "from";

    /** Bytes of a message; {@link dev.sluice.control.Control#tellSubscriptions} takes a bit more. */
    private static final int MAX_BYTES = 8 * 1024;

    /** Users who wait, for either kind of message. */
    private static final int MAX_USERS = 50_000;

    /** Channels that wait to be told of, of all users. */
    private static final int MAX_CHANNELS = 100_000;

    /** Memory for their names, in bytes. */
    private static final int MAX_NAMES = 16 * 1024 * 1024;

    private final String pod = UUID.randomUUID().toString();
    private final Set<String> wanted = new LinkedHashSet<>();
    // Linked, because a table that is emptied from its beginning is searched through all that is empty already.
    private final Map<String, Map<Channel, Long>> told = new LinkedHashMap<>();
    private final int maxPerUser;
    private int channels;
    private int names;

    /**
     * Nothing to be told.
     *
     * @param maxPerUser how many channels of one user may wait
     */
    OutgoingSubscriptions(int maxPerUser) {
        this.maxPerUser = maxPerUser;
    }

    /** Whether there is room for it. */
    boolean want(String user) {
        if (wanted.size() >= MAX_USERS) {
            return false;
        }
        wanted.add(user);
        return true;
    }

    /** Whether there is room for all of it; what there is no room for is left out. */
    boolean tell(String user, Map<Channel, Long> stamps) {
        Map<Channel, Long> known = told.get(user);
        if (known == null && told.size() >= MAX_USERS) {
            return false;
        }
        Map<Channel, Long> waiting = known == null ? new LinkedHashMap<>() : known;
        boolean all = true;
        for (Map.Entry<Channel, Long> stamp : stamps.entrySet()) {
            Channel channel = stamp.getKey();
            if (waiting.containsKey(channel)) {
                waiting.merge(channel, stamp.getValue(), LingeringSubscriptions::newer);
            } else if (waiting.size() < maxPerUser
                    && channels < MAX_CHANNELS
                    && names + channel.length() <= MAX_NAMES) {
                waiting.put(channel, stamp.getValue());
                channels++;
                names += channel.length();
            } else {
                all = false;
            }
        }
        if (!waiting.isEmpty()) {
            told.put(user, waiting);
        }
        return all;
    }

    boolean isOwn(JsonNode message) {
        return message.path(FROM).asText().equals(pod);
    }

    /** The next message, which then is no longer to be told; {@code null} where there is none. */
    @Nullable
    String next() {
        if (!wanted.isEmpty()) {
            return wanted();
        }
        return told.isEmpty() ? null : told();
    }

    private String wanted() {
        StringBuilder users = new StringBuilder();
        int bytes = 0;
        for (Iterator<String> waiting = wanted.iterator(); waiting.hasNext() && bytes < MAX_BYTES - 2048; ) {
            String user = quoted(waiting.next());
            bytes += length(user);
            users.append(users.isEmpty() ? "" : ",").append(user);
            waiting.remove();
        }
        return message(SubscriptionsMessage.WANTED, "[" + users + "]");
    }

    private String told() {
        StringBuilder users = new StringBuilder();
        int bytes = 0;
        for (Iterator<Map.Entry<String, Map<Channel, Long>>> waiting =
                        told.entrySet().iterator();
                waiting.hasNext() && bytes < MAX_BYTES - 4096; ) {
            Map.Entry<String, Map<Channel, Long>> user = waiting.next();
            StringBuilder list = new StringBuilder();
            int more = length(quoted(user.getKey()));
            Iterator<Map.Entry<Channel, Long>> stamps =
                    user.getValue().entrySet().iterator();
            while (stamps.hasNext() && bytes + more < MAX_BYTES - 2048) {
                Map.Entry<Channel, Long> stamp = stamps.next();
                String channel = quoted(stamp.getKey().name()) + ":" + stamp.getValue();
                more += length(channel);
                list.append(list.isEmpty() ? "" : ",").append(channel);
                stamps.remove();
                channels--;
                names -= stamp.getKey().length();
            }
            bytes += more;
            users.append(users.isEmpty() ? "" : ",")
                    .append(quoted(user.getKey()))
                    .append(":{")
                    .append(list)
                    .append('}');
            if (!stamps.hasNext()) {
                waiting.remove();
            }
        }
        return message(SubscriptionsMessage.TOLD, "{" + users + "}");
    }

    private String message(String command, String users) {
        return "{\"command\":\"" + command + "\",\"" + FROM + "\":\"" + pod + "\",\"" + USERS + "\":" + users + "}";
    }

    private static String quoted(String text) {
        return TextNode.valueOf(text).toString();
    }

    /** Bytes that the JSON takes in a signed message at most: it is a string of JSON there, and so escaped once more. */
    private static int length(String json) {
        int bytes = 3;
        for (int i = 0; i < json.length(); i++) {
            char c = json.charAt(i);
            if (c == '"' || c == '\\' || c == '/') {
                bytes += 2;
            } else if (c < 0x7F) {
                bytes += 1;
            } else {
                // jose4j writes some of these as six characters.
                bytes += 6;
            }
        }
        return bytes;
    }
}
