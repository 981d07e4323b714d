package dev.sluice.socket;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.outbox.Frame;
import dev.sluice.registry.Connection;
import dev.sluice.registry.Registry;
import dev.sluice.route.Audience;
import dev.sluice.route.Channel;
import dev.sluice.route.Routes;
import dev.sluice.socket.ClientMessage.Senseless;
import dev.sluice.socket.ClientMessage.Subscribe;
import dev.sluice.socket.ClientMessage.Unsubscribe;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.inject.Singleton;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Does what authenticated clients ask for. */
@Singleton
final class Commands {

    private final Routes routes;
    private final Registry registry;
    private final Counter tooManySubscriptions;

    Commands(Routes routes, Registry registry, MeterRegistry metrics) {
        this.routes = routes;
        this.registry = registry;
        this.tooManySubscriptions = SocketMeters.refused("subscriptions-per-user", metrics);
    }

    /** Acts on the message and hands each answer to {@code reply}, in order. */
    void execute(Connection connection, ClientMessage message, Consumer<Frame> reply) {
        if (message instanceof Subscribe subscribe) {
            each(subscribe.channels(), subscribe.id(), reply, channel -> {
                switch (registry.subscribe(connection, channel)) {
                    case YES -> reply.accept(ControlFrames.subscribed(channel.name(), subscribe.id()));
                    case TOO_MANY -> {
                        tooManySubscriptions.increment();
                        reply.accept(ControlFrames.error(
                                ErrorCode.TOO_MANY_SUBSCRIPTIONS,
                                "too many subscriptions",
                                channel.name(),
                                subscribe.id()));
                    }
                    case GONE -> {}
                }
            });
        } else if (message instanceof Unsubscribe unsubscribe) {
            each(unsubscribe.channels(), unsubscribe.id(), reply, channel -> {
                registry.unsubscribe(connection, channel);
                reply.accept(ControlFrames.unsubscribed(channel.name(), unsubscribe.id()));
            });
        } else if (message instanceof Senseless senseless) {
            reply.accept(ControlFrames.error(senseless.code(), senseless.message(), senseless.id()));
        } else if (message instanceof ClientMessage.NotAnObject) {
            reply.accept(
                    ControlFrames.error(ErrorCode.BAD_MESSAGE, "a message is a JSON object in a text frame", null));
        }
    }

    private void each(List<String> names, @Nullable JsonNode id, Consumer<Frame> reply, Consumer<Channel> action) {
        for (String name : names) {
            // A lone surrogate has no bytes and so can't be the name of a channel.
            Channel channel = StandardCharsets.UTF_8.newEncoder().canEncode(name) ? routes.resolve(name) : null;
            if (channel == null) {
                reply.accept(ControlFrames.error(
                        ErrorCode.BAD_CHANNEL, "no such channel: prefix unknown, or id empty or too long", name, id));
            } else if (channel.route().audience() != Audience.SUBSCRIBERS) {
                reply.accept(
                        ControlFrames.error(ErrorCode.BAD_CHANNEL, "this channel can't be subscribed to", name, id));
            } else {
                action.accept(channel);
            }
        }
    }
}
