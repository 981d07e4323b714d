package dev.sluice.registry;

import dev.sluice.route.Channel;

/**
 * Is told which channels have listeners on this pod. For one channel, the calls exclude each other, and alternate. Called
 * under a lock, so it must only pass the channel on.
 */
public interface Demand {

    /** The channel gets its first listener; called before publications may be delivered to it. */
    void wanted(Channel channel);

    /** The channel has lost its last listener. */
    void unwanted(Channel channel);
}
