package dev.sluice.access;

import dev.sluice.bulkhead.Bulkhead;
import dev.sluice.redis.CommandConnection;
import dev.sluice.route.Channel;
import dev.sluice.span.Span;
import io.smallrye.mutiny.Uni;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;

/** Allows the users in the channel's Redis set. */
final class OwnerAuthorizer implements ChannelAuthorizer {

    private static final String SET = "sluice:owner:";

    private final CommandConnection redis;
    private final Bulkhead<Boolean> bulkhead;

    OwnerAuthorizer(CommandConnection redis, Bulkhead<Boolean> bulkhead) {
        this.redis = redis;
        this.bulkhead = bulkhead;
    }

    @Override
    public Uni<Boolean> ask(String user, Channel channel, Span span) {
        String key = SET + channel.name();
        Request question = Request.cmd(Command.SISMEMBER).arg(key).arg(user);
        return bulkhead.call(() -> redis.send(key, question).map(Response::toBoolean));
    }
}
