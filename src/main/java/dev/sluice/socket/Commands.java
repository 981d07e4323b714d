package dev.sluice.socket;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.delivery.Deliveries;
import dev.sluice.outbox.Payload;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import dev.sluice.retain.Retention;
import dev.sluice.route.Audience;
import dev.sluice.route.Channel;
import dev.sluice.route.Routes;
import dev.sluice.socket.ClientMessage.Senseless;
import dev.sluice.socket.ClientMessage.Subscribe;
import dev.sluice.socket.ClientMessage.Unsubscribe;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Does what authenticated clients ask for. */
@Singleton
final class Commands {

    private final Routes routes;
    private final Registry registry;
    private final Retention retention;
    private final Deliveries deliveries;
    private final LimitMeter tooManySubscriptions;
    private final LimitMeter idTooLong;

    Commands(Routes routes, Registry registry, Retention retention, Deliveries deliveries, MeterRegistry metrics) {
        this.routes = routes;
        this.registry = registry;
        this.retention = retention;
        this.deliveries = deliveries;
        this.tooManySubscriptions = new LimitMeter("subscriptions-per-user", metrics);
        this.idTooLong = new LimitMeter("channel-id-length", metrics);
    }

    /** Acts on the message and sends the answers, in order. To be called on the connection's loop. */
    void execute(Connection connection, ClientMessage message) {
        if (message instanceof Subscribe subscribe) {
            each(
                    connection,
                    subscribe.channels(),
                    subscribe.id(),
                    channel -> subscribe(connection, channel, subscribe.id()));
        } else if (message instanceof Unsubscribe unsubscribe) {
            each(connection, unsubscribe.channels(), unsubscribe.id(), channel -> {
                registry.unsubscribe(connection, channel);
                connection.forget(channel);
                connection.send(ControlFrames.unsubscribed(channel.name(), unsubscribe.id()));
            });
        } else if (message instanceof Senseless senseless) {
            connection.send(ControlFrames.error(senseless.code(), senseless.message(), senseless.id()));
        } else if (message instanceof ClientMessage.NotAnObject) {
            connection.send(
                    ControlFrames.error(ErrorCode.BAD_MESSAGE, "a message is a JSON object in a text frame", null));
        }
    }

    private void subscribe(Connection connection, Channel channel, @Nullable JsonNode id) {
        switch (registry.subscribe(connection, channel)) {
            case YES -> {
                // After it has joined: what is published from now on comes by itself.
                Payload newest = retention.newest(channel);
                connection.send(ControlFrames.subscribed(channel.name(), newest != null, id));
                if (newest != null) {
                    deliveries.give(connection, channel, newest);
                }
            }
            case TOO_MANY -> {
                tooManySubscriptions.exceeded();
                connection.send(ControlFrames.error(
                        ErrorCode.TOO_MANY_SUBSCRIPTIONS, "too many subscriptions", channel.name(), id));
            }
            case GONE -> {}
        }
    }

    private void each(Connection connection, List<String> names, @Nullable JsonNode id, Consumer<Channel> action) {
        for (String name : names) {
            Channel channel = routes.resolve(name);
            if (channel == null) {
                if (routes.isTooLong(name)) {
                    idTooLong.exceeded();
                }
                connection.send(ControlFrames.error(
                        ErrorCode.BAD_CHANNEL, "no such channel: prefix unknown, or id empty or too long", name, id));
            } else if (channel.route().audience() != Audience.SUBSCRIBERS) {
                connection.send(
                        ControlFrames.error(ErrorCode.BAD_CHANNEL, "this channel can't be subscribed to", name, id));
            } else {
                action.accept(channel);
            }
        }
    }
}
