package dev.sluice.access;

import dev.sluice.route.Channel;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The channels that a token names. In the id of each, {@code *} matches any characters and {@code {sub}} is the token's
 * subject; the prefix is literal. Immutable.
 */
public final class Grants implements Predicate<Channel> {

    private static final Grants NONE = new Grants(Set.of(), List.of());

    private static final String SUBJECT = "{sub}";

    private final Set<String> names;
    /** The patterns, each split at its asterisks, of which there is at least one. */
    private final List<String[]> patterns;

    private Grants(Set<String> names, List<String[]> patterns) {
        this.names = names;
        this.patterns = patterns;
    }

    /** Returns what a claim grants to the subject; an entry without a prefix grants nothing. */
    static Grants of(Collection<String> claim, String subject) {
        Set<String> names = new HashSet<>();
        List<String[]> patterns = new ArrayList<>();
        for (String entry : claim) {
            int colon = entry.indexOf(':');
            if (colon <= 0 || entry.lastIndexOf('*', colon) >= 0) {
                continue;
            }
            // Split before the subject is inserted, so that an asterisk in the subject is literal.
            String[] parts = entry.split("\\*", -1);
            parts[0] = entry.substring(0, colon + 1)
                    + parts[0].substring(colon + 1).replace(SUBJECT, subject);
            for (int i = 1; i < parts.length; i++) {
                parts[i] = parts[i].replace(SUBJECT, subject);
            }
            if (parts.length == 1) {
                names.add(parts[0]);
            } else {
                patterns.add(parts);
            }
        }
        return names.isEmpty() && patterns.isEmpty() ? NONE : new Grants(Set.copyOf(names), List.copyOf(patterns));
    }

    @Override
    public boolean test(Channel channel) {
        if (names.isEmpty() && patterns.isEmpty()) {
            return false;
        }
        String name = channel.name();
        return names.contains(name) || patterns.stream().anyMatch(parts -> matches(parts, name));
    }

    /** Takes the leftmost match of each part between the asterisks, so that it needs no backtracking. */
    private static boolean matches(String[] parts, String name) {
        String last = parts[parts.length - 1];
        int end = name.length() - last.length();
        if (!name.startsWith(parts[0]) || !name.endsWith(last)) {
            return false;
        }
        int position = parts[0].length();
        for (int i = 1; i < parts.length - 1; i++) {
            int found = name.indexOf(parts[i], position);
            if (found < 0) {
                return false;
            }
            position = found + parts[i].length();
        }
        return position <= end;
    }
}
