package dev.sluice.session;

import dev.sluice.access.AuthenticatedUser;
import dev.sluice.outbox.Frame;
import dev.sluice.protocol.ClientMessage;
import dev.sluice.protocol.Start;
import dev.sluice.route.Channel;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;

/** The requests of authenticated clients. To be called on the client's event loop. */
interface Requests {

    void execute(Client client, ClientMessage message);

    /**
     * Starts the delivery to a client.
     *
     * @param answer receives the start for the answer to the client
     */
    void begin(Client client, Opening opening, Consumer<Start> answer);

    /** Returns the user's own channels, which the client receives without a subscription. */
    List<Channel> own(Client client);

    /** Returns all channels that the client receives. */
    List<Channel> channels(Client client);

    /**
     * Starts the delivery of the user's channels to a client that keeps a position for each channel.
     *
     * @param message has its positions
     * @param answer makes the answer to the client
     * @param onAnswer run after the answer
     */
    void connect(
            Client client,
            ClientMessage.Connect message,
            Function<Map<Channel, Start>, Frame> answer,
            Runnable onAnswer);

    /** Suspends delivery to a client until {@link #restart} reports a gap to it. */
    void suspend(Client client);

    /**
     * Makes a client that keeps a position for each channel subscribe again.
     *
     * @param streams whether also to channels that are read from streams alone
     */
    void restart(Client client, boolean streams);

    /** The client renewed its token. */
    void renew(Client client, AuthenticatedUser identity);
}
