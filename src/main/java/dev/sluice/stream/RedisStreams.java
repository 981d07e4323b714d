package dev.sluice.stream;

import dev.sluice.clock.EntryId;
import dev.sluice.config.SluiceConfig;
import dev.sluice.redis.CommandConnection;
import dev.sluice.redis.CommandConnectionFactory;
import dev.sluice.route.Channel;
import io.quarkus.runtime.Startup;
import io.smallrye.mutiny.Uni;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.List;

/** Reads streams over one connection, on which the requests of all channels follow each other without waiting. */
@Startup
@Singleton
final class RedisStreams implements StreamCommands {

    private static final String WRONG_TYPE = "WRONGTYPE";

    private final CommandConnection redis;
    private final int maxPayload;

    RedisStreams(CommandConnectionFactory connections, SluiceConfig config) {
        this.redis = connections.open(config.streams().timeout());
        this.maxPayload = (int) config.maxPayload().asLongValue();
    }

    @Override
    public Uni<List<Entry>> range(Channel channel, EntryId from, int count) {
        return redis.send(
                        channel.name(),
                        Request.cmd(Command.XRANGE)
                                .arg(channel.nameBytes())
                                .arg(from.toString())
                                .arg("+")
                                .arg("COUNT")
                                .arg(count))
                .map(this::entries)
                .onFailure(RedisStreams::isOfAnotherType)
                .recoverWithItem(List.of());
    }

    @Override
    public Uni<EntryId> newest(Channel channel) {
        return redis.send(
                        channel.name(),
                        Request.cmd(Command.XREVRANGE)
                                .arg(channel.nameBytes())
                                .arg("+")
                                .arg("-")
                                .arg("COUNT")
                                .arg(1))
                .map(reply -> reply == null || reply.size() == 0 ? EntryId.ZERO : id(reply.get(0)))
                .onFailure(RedisStreams::isOfAnotherType)
                .recoverWithItem(EntryId.ZERO);
    }

    /** A key of another type has no entries; if a stream replaces it, that begins anew. */
    private static boolean isOfAnotherType(Throwable failure) {
        return failure.getMessage() != null && failure.getMessage().startsWith(WRONG_TYPE);
    }

    private List<Entry> entries(Response reply) {
        List<Entry> entries = new ArrayList<>(reply.size());
        for (int i = 0; i < reply.size(); i++) {
            Response fields = reply.get(i).get(1);
            byte[] value = fields.get(1).toBytes();
            entries.add(new Entry(
                    id(reply.get(i)), value.length > maxPayload ? null : value, value.length, bytes(fields, value)));
        }
        return entries;
    }

    private static long bytes(Response fields, byte[] value) {
        // Most entries have one field, whose name is short.
        long bytes = value.length;
        for (int i = 2; i < fields.size(); i++) {
            bytes += fields.get(i).toBytes().length;
        }
        return bytes;
    }

    private static EntryId id(Response entry) {
        return EntryId.parse(entry.get(0).toString());
    }
}
