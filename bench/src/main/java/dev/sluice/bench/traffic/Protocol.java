package dev.sluice.bench.traffic;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/** How clients are served, and how is published to them. */
public interface Protocol {

    /** Where the WebSocket is opened. */
    String path();

    /** The WebSocket subprotocol that a client offers. */
    Optional<String> subprotocol();

    /** Whether a client may continue a subscription on another connection. */
    boolean resumes();

    /** The command that publishes, as Redis is sent it. */
    List<String> publish(String channel, String payload);

    /** A client that has not connected yet. */
    Client client(String user, Set<String> channels);

    /** What a client remembers from one connection to the next. Only for the event loop. */
    interface Client {

        /** A connection is open. */
        void opened(Connection connection);

        /** A text frame has come on it. */
        void heard(String message, Connection connection);
    }

    /** What a client does on a connection, and what it makes known of what it heard there. */
    interface Connection {

        void say(String message);

        void published(String payload);

        /** It was given something that it has had before, and drops it. */
        void repeated();

        /** @param resumption what the server said of it, where the client had asked to resume */
        void subscribed(String channel, boolean retained, Optional<Boolean> resumption);

        void missed(String channel, int count);

        /** @param until empty while the gap lasts */
        void gap(String since, Optional<String> until);

        /** Something was said that should never be said to a client that does everything right. */
        void surprised(String message);
    }
}
