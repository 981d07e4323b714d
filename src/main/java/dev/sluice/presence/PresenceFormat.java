package dev.sluice.presence;

import dev.sluice.outbox.Frame;
import dev.sluice.route.Channel;

/** Makes the message that tells clients of one protocol that a user has joined or left. */
@FunctionalInterface
public interface PresenceFormat {

    Frame frame(Channel channel, String user, boolean joined);
}
