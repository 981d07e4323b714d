package dev.sluice.session;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.log.LimitMeter;
import dev.sluice.protocol.ChannelDialect;
import dev.sluice.protocol.ClientMessage.Subscribe;
import dev.sluice.protocol.ClientMessage.Unsubscribe;
import dev.sluice.protocol.ErrorCode;
import dev.sluice.route.Audience;
import dev.sluice.route.Channel;
import dev.sluice.route.Routes;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Resolves the names of channels in requests, and answers for those that can't be subscribed to. Every method is to be called on
 * the connection's event loop.
 */
@Singleton
final class ChannelNames {

    /** The first character of Centrifugo's private channels, each of which needs a token of its own. */
    private static final String PRIVATE = "$";

    /** Precedes the names of the users to whom Centrifugo limits a channel. */
    private static final String USER_LIMITED = "#";

    private final Routes routes;
    private final ChannelCommands channelCommands;
    private final LimitMeter idTooLong;

    ChannelNames(Routes routes, ChannelCommands channelCommands, MeterRegistry metrics) {
        this.routes = routes;
        this.channelCommands = channelCommands;
        this.idTooLong = new LimitMeter("channel-id-length", metrics);
    }

    /** Calls the action with each channel of the message that can be subscribed to, in order. */
    void forEachSubscribed(Client client, Subscribe message, Consumer<Channel> action) {
        List<String> names = client.dialect() instanceof ChannelDialect
                ? allowed(client, message.channels(), message.id())
                : message.channels();
        forEach(client, names, message.id(), action);
    }

    /**
     * Calls the action with each channel of the message that can be unsubscribed from. For clients with a {@link ChannelDialect},
     * the request always succeeds: on an error, they assume that their connection's state is lost.
     */
    void forEachUnsubscribed(Client client, Unsubscribe message, Consumer<Channel> action) {
        if (!(client.dialect() instanceof ChannelDialect)) {
            forEach(client, message.channels(), message.id(), action);
            return;
        }
        for (String name : message.channels()) {
            Channel channel = routes.resolve(name);
            if (channel != null && channel.route().audience() == Audience.SUBSCRIBERS) {
                action.accept(channel);
            } else {
                client.connection().send(client.dialect().unsubscribed(name, message.id()));
            }
        }
    }

    private void forEach(Client client, List<String> names, @Nullable JsonNode id, Consumer<Channel> action) {
        for (String name : names) {
            Channel channel = routes.resolve(name);
            if (channel == null) {
                if (routes.isTooLong(name)) {
                    idTooLong.exceeded();
                }
                client.connection()
                        .send(client.dialect()
                                .error(
                                        ErrorCode.BAD_CHANNEL,
                                        "no such channel: no route for the prefix (sluice.routes.<prefix>.*),"
                                                + " or id empty or too long",
                                        name,
                                        id));
            } else if (channel.route().audience() != Audience.SUBSCRIBERS) {
                client.connection()
                        .send(client.dialect()
                                .error(ErrorCode.BAD_CHANNEL, "this channel can't be subscribed to", name, id));
            } else {
                action.accept(channel);
            }
        }
    }

    /** Refuses names that have a special meaning in Centrifugo, and the channels of users. */
    private List<String> allowed(Client client, List<String> names, @Nullable JsonNode id) {
        List<String> allowed = new ArrayList<>();
        for (String name : names) {
            Channel channel = routes.resolve(name);
            boolean ofUser = channel != null && channel.route().audience() == Audience.USER;
            if (channel != null && ofUser && channelCommands.hears(client, channel)) {
                alreadySubscribed(client, name, id);
            } else if (ofUser || name.startsWith(PRIVATE) || name.contains(USER_LIMITED)) {
                client.connection().send(client.dialect().error(ErrorCode.FORBIDDEN, "permission denied", name, id));
            } else {
                allowed.add(name);
            }
        }
        return allowed;
    }

    static void alreadySubscribed(Client client, String channel, @Nullable JsonNode id) {
        client.connection()
                .send(client.dialect().error(ErrorCode.ALREADY_SUBSCRIBED, "already subscribed", channel, id));
    }
}
