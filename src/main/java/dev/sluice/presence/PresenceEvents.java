package dev.sluice.presence;

import dev.sluice.registry.Connection;
import dev.sluice.route.Channel;
import java.util.List;
import java.util.function.Consumer;

/** Tells clients which users join and leave channels. Thread-safe. */
public interface PresenceEvents {

    /**
     * The present users of a channel.
     *
     * @param names as far as clients were told, in order
     * @param count how many are present
     * @param complete whether the names are of all whom this pod should know
     * @param fleet whether these are the users of all pods; of this pod if the pods share no secret
     */
    record Present(List<String> names, int count, boolean complete, boolean fleet) {}

    /**
     * Begins to send events of a channel to a connection that receives it, until it no longer does. Every event is sent
     * either before the users, which have its change, or after them.
     *
     * @param present receives the present users, on the connection's loop
     */
    void watch(Connection connection, Channel channel, PresenceFormat format, Consumer<Present> present);

    /**
     * Gets the present users of a channel for a connection that gets its events.
     *
     * @param present see {@link #watch}
     * @param left called instead, on the connection's loop, if the connection no longer receives the channel
     * @return false if the connection does not get events
     */
    boolean present(Connection connection, Channel channel, Consumer<Present> present, Runnable left);
}
