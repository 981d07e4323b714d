package dev.sluice.route;

import dev.sluice.clock.NameHash;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Finds the route of a channel. Immutable. */
public final class Routes {

    /** The error for a name that {@link #resolve(String)} does not accept. */
    public static final String NO_CHANNEL =
            "No such channel: a channel is a prefix with a route, a colon, and an id of 1 to 256 bytes";

    /** The prefix of the pods' own traffic, which no route may have. */
    private static final String RESERVED = "sluice";

    private static final int MAX_ID_BYTES = 256;

    /** A prefix becomes a Redis pattern and part of a configuration key: no colon, glob sign, dot or quote. */
    private static final Pattern PREFIX = Pattern.compile("[A-Za-z0-9_-]{1,64}");

    private static final int MAX_PREFIX = 64;

    /** An array, because it is searched for every publication. */
    private final Known[] known;

    // Instances are never compared.
    @SuppressWarnings("ArrayRecordComponent")
    private record Known(byte[] start, Route route) {}

    /** Creates routes, which must have different prefixes. */
    public Routes(List<Route> routes) {
        this.known = routes.stream()
                .map(route -> new Known((route.prefix() + ":").getBytes(StandardCharsets.UTF_8), route))
                .toArray(Known[]::new);
    }

    /** Whether a route may have the prefix. */
    public static boolean isPrefix(String prefix) {
        return !prefix.equals(RESERVED) && PREFIX.matcher(prefix).matches();
    }

    /** All routes. */
    public List<Route> all() {
        return Arrays.stream(known).map(Known::route).toList();
    }

    /** Does what {@link #resolve(byte[], int, int)} does, for a name whose hash is not known. */
    public @Nullable Channel resolve(byte[] bytes, int length) {
        return resolve(bytes, length, NameHash.of(bytes, length));
    }

    /**
     * Returns the channel whose name is the first bytes of the array, or {@code null} if no route has its prefix, or
     * its id is empty or too long. The array must never change.
     *
     * @param hash the {@link NameHash} of the name
     */
    public @Nullable Channel resolve(byte[] bytes, int length, int hash) {
        for (Known one : known) {
            int start = one.start().length;
            if (length > start && beginsWith(bytes, one.start())) {
                return length - start > MAX_ID_BYTES ? null : new Channel(one.route(), bytes, length, hash);
            }
        }
        return null;
    }

    /** A loop, from the colon on, as a compiler without a profile calls ten methods for {@link Arrays#equals}. */
    private static boolean beginsWith(byte[] bytes, byte[] start) {
        for (int i = start.length - 1; i >= 0; i--) {
            if (bytes[i] != start[i]) {
                return false;
            }
        }
        return true;
    }

    /** Whether a route reads streams. */
    public boolean haveStreams() {
        return Arrays.stream(known).anyMatch(one -> one.route().source().readsStreams());
    }

    /**
     * Returns the channel of that name, or {@code null}; also {@code null} if the text can't be encoded, for example a
     * lone surrogate.
     */
    public @Nullable Channel resolve(String name) {
        // Longer than any valid name.
        if (name.length() > MAX_PREFIX + 1 + MAX_ID_BYTES
                || !StandardCharsets.UTF_8.newEncoder().canEncode(name)) {
            return null;
        }
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        return resolve(bytes, bytes.length);
    }

    /** Whether the name is invalid because its id is too long. */
    public boolean isTooLong(String name) {
        return name.substring(name.indexOf(':') + 1).getBytes(StandardCharsets.UTF_8).length > MAX_ID_BYTES;
    }

    /** Returns the user's own channels; none if the user's name is too long to be an id. */
    public List<Channel> ofUser(String user) {
        List<Channel> channels = new ArrayList<>(1);
        for (Known one : known) {
            if (one.route().audience() == Audience.USER) {
                Channel channel = resolve(one.route().prefix() + ":" + user);
                if (channel != null) {
                    channels.add(channel);
                }
            }
        }
        return channels;
    }
}
