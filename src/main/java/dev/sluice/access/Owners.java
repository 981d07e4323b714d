package dev.sluice.access;

import dev.sluice.route.Channel;
import io.quarkus.redis.datasource.ReactiveRedisDataSource;
import io.quarkus.redis.datasource.set.ReactiveSetCommands;
import io.smallrye.mutiny.Uni;

/** Those whom the backend has put into the Redis set that goes with a channel. */
final class Owners implements Judge {

    private static final String SET = "sluice:owner:";

    private final ReactiveSetCommands<String, String> sets;
    private final Turns turns;

    Owners(ReactiveRedisDataSource redis, Turns turns) {
        this.sets = redis.set(String.class);
        this.turns = turns;
    }

    @Override
    public Uni<Boolean> ask(String user, Channel channel) {
        return turns.ask(() -> sets.sismember(SET + channel.name(), user));
    }
}
