package dev.sluice.protocol;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import dev.sluice.clock.EntryId;
import dev.sluice.clock.Position;
import dev.sluice.outbox.Close;
import dev.sluice.outbox.Disconnect;
import dev.sluice.outbox.Frame;
import dev.sluice.outbox.Payload;
import dev.sluice.route.Channel;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The JSON protocol of Centrifugo's SDKs: an epoch is an era, an offset that of a position; of streams, see {@link
 * EntryOffset}.
 */
final class Centrifuge implements ChannelDialect {

    /** The epoch if this pod has no positions; no pod resumes from it. */
    private static final String NO_EPOCH = "_";

    private static final long MAX_HEARTBEAT_NANOS = TimeUnit.SECONDS.toNanos(25);

    /** How long before the close of the connection a client renews its token. */
    private static final int RENEWAL_SECONDS = 5;

    /** An unsubscription by the server, after which the SDKs do not subscribe again. */
    private static final int SERVER_UNSUBSCRIBED = 2000;

    /** An unsubscription after which the SDKs subscribe again and learn whether they have missed anything. */
    private static final int INSUFFICIENT_STATE = 2500;

    /** The same, but the SDKs forget their position before. */
    private static final int STATE_INVALIDATED = 2502;

    private static final List<Frame> HEARTBEAT = List.of(Frame.text("{}"));

    private final CentrifugePublications encoder = new CentrifugePublications();

    @Override
    public String tag() {
        return "centrifuge";
    }

    @Override
    public String subprotocol() {
        return "centrifuge-json";
    }

    @Override
    public boolean positioned() {
        return true;
    }

    @Override
    public List<ClientMessage> parse(String text) {
        return CentrifugeCommandParser.parse(text);
    }

    @Override
    public Frame authSuccess(Welcome welcome, @Nullable JsonNode id) {
        ObjectNode result = object().put("client", welcome.client()).put("version", "sluice");
        expiry(result, welcome);
        ObjectNode subs = result.putObject("subs");
        welcome.starts().forEach((channel, start) -> subs.set(channel.name(), start(channel, start)));
        result.put("ping", welcome.heartbeatSeconds()).put("pong", true);
        return reply(id, "connect", result);
    }

    @Override
    public Frame renewed(Welcome welcome, @Nullable JsonNode id) {
        ObjectNode result = object().put("client", welcome.client()).put("version", "sluice");
        expiry(result, welcome);
        return reply(id, "refresh", result);
    }

    private static void expiry(ObjectNode result, Welcome welcome) {
        if (welcome.until() < Long.MAX_VALUE) {
            long seconds = TimeUnit.MILLISECONDS.toSeconds(welcome.until() - System.currentTimeMillis());
            long ttl = Math.max(1, Math.min(Integer.MAX_VALUE, seconds - RENEWAL_SECONDS));
            result.put("expires", true).put("ttl", ttl);
        }
    }

    @Override
    public @Nullable Frame authError(Refusal reason, String message, @Nullable JsonNode id) {
        if (id == null) {
            return null;
        }
        return switch (reason) {
            case TIMEOUT, NOT_AUTH, NOT_JSON, FLOOD -> null;
            case EXPIRED -> error(ErrorCode.TOKEN_EXPIRED, message, id);
            case TOKEN, SIGNATURE, AUDIENCE, ISSUER, TYPE, CLAIMS, WEBHOOK ->
                error(ErrorCode.UNAUTHORIZED, message, id);
            case UNAVAILABLE, UNDECIDED -> error(ErrorCode.UNAVAILABLE, message, id);
        };
    }

    @Override
    public Frame subscribed(Channel channel, boolean retained, Start start, @Nullable JsonNode id) {
        return reply(id, "subscribe", start(channel, start));
    }

    private ObjectNode start(Channel channel, Start start) {
        ObjectNode result = object();
        Position from = start.from();
        if (channel.route().history()) {
            result.put("recoverable", true).put("positioned", true);
            // The SDKs move the offset with each publication, so the first one is the client's own.
            result.put("epoch", from == null ? NO_EPOCH : from.era().toString())
                    .put("offset", from == null ? 0 : from.number());
        }
        if (CentrifugePublications.isStream(channel)) {
            EntryId after = start.entry();
            result.put("recoverable", true)
                    .put("positioned", true)
                    .put("epoch", after == null ? NO_EPOCH : EntryOffset.epoch(after))
                    .put("offset", after == null ? 0 : EntryOffset.of(after));
        }
        if (start.recovered() != null) {
            result.put("was_recovering", true).put("recovered", start.recovered());
            publications(result, start.missed());
        }
        return result;
    }

    @Override
    public boolean canName(EntryId entry) {
        return EntryOffset.isOf(entry);
    }

    @Override
    public Frame invalidated(Channel channel) {
        return text(unsubscription(channel.name(), STATE_INVALIDATED, "state invalidated"));
    }

    @Override
    public Frame unsubscribed(String channel, @Nullable JsonNode id) {
        return id == null
                ? text(unsubscription(channel, SERVER_UNSUBSCRIBED, "server unsubscribe"))
                : reply(id, "unsubscribe", object());
    }

    @Override
    public Frame restarted(List<Channel> ended, Map<Channel, Start> own) {
        List<String> pushes = new ArrayList<>();
        ended.forEach(channel -> pushes.add(insufficient(channel)));
        own.forEach((channel, start) -> {
            // The SDKs do not subscribe to these again, so they get the start of each.
            pushes.add(insufficient(channel));
            ObjectNode push = object().put("channel", channel.name());
            push.set("subscribe", start(channel, start));
            pushes.add(push(push));
        });
        return text(String.join("\n", pushes));
    }

    private static String insufficient(Channel channel) {
        return unsubscription(channel.name(), INSUFFICIENT_STATE, "insufficient state");
    }

    private static String unsubscription(String channel, int code, String reason) {
        ObjectNode push = object().put("channel", channel);
        push.putObject("unsubscribe").put("code", code).put("reason", reason);
        return push(push);
    }

    @Override
    public Frame gap(Channel channel, Instant since, @Nullable Instant until) {
        String end = until == null ? null : until.toString();
        return text(message(object().put("action", "gap")
                .put("channel", channel.name())
                .put("since", since.toString())
                .put("until", end)));
    }

    @Override
    public Frame gap(Instant since, @Nullable Instant until) {
        String end = until == null ? null : until.toString();
        return text(message(
                object().put("action", "gap").put("since", since.toString()).put("until", end)));
    }

    @Override
    public @Nullable Frame mark(Position at) {
        return null;
    }

    @Override
    public List<Frame> heartbeat() {
        return HEARTBEAT;
    }

    @Override
    public boolean answersHeartbeats() {
        return true;
    }

    @Override
    public long maxHeartbeatNanos() {
        return MAX_HEARTBEAT_NANOS;
    }

    @Override
    public Frame presence(PresentUsers present, @Nullable JsonNode id) {
        throw new UnsupportedOperationException(tag());
    }

    @Override
    public Frame pong(JsonNode id) {
        return reply(id, "ping", object());
    }

    @Override
    public Frame history(List<Payload> publications, @Nullable Position top, JsonNode id) {
        ObjectNode result = object();
        publications(result, publications);
        result.put("epoch", top == null ? NO_EPOCH : top.era().toString())
                .put("offset", top == null ? 0 : top.number());
        return reply(id, "history", result);
    }

    @Override
    public Frame presence(Map<String, String> users, @Nullable JsonNode id) {
        ObjectNode result = object();
        ObjectNode presence = result.putObject("presence");
        users.forEach((client, user) ->
                presence.putObject(client).put("client", client).put("user", user));
        return reply(id, "presence", result);
    }

    @Override
    public Frame presenceChanged(Channel channel, String user, boolean joined) {
        ObjectNode push = object().put("channel", channel.name());
        // A user has one entry, however many clients, so that entries and events match.
        push.putObject(joined ? "join" : "leave")
                .putObject("info")
                .put("user", user)
                .put("client", user);
        return text(push(push));
    }

    @Override
    public Frame presenceStats(long connections, long users, @Nullable JsonNode id) {
        return reply(
                id, "presence_stats", object().put("num_clients", connections).put("num_users", users));
    }

    @Override
    public Frame error(ErrorCode code, String message, @Nullable JsonNode id) {
        ObjectNode error = object().put("code", CentrifugeCodes.number(code)).put("message", message);
        if (code == ErrorCode.UNAVAILABLE) {
            error.put("temporary", true);
        }
        return reply(id, "error", error);
    }

    @Override
    public Frame error(ErrorCode code, String message, String channel, @Nullable JsonNode id) {
        return error(code, message, id);
    }

    @Override
    public Close closeFor(Disconnect reason) {
        return CentrifugeCodes.closeFor(reason);
    }

    @Override
    public Close closeFor(Refusal reason, String message) {
        return CentrifugeCodes.closeFor(reason, message);
    }

    @Override
    public Close closeUntilLater(String message) {
        return CentrifugeCodes.closeUntilLater(message);
    }

    @Override
    public boolean addsHeader() {
        return true;
    }

    @Override
    public boolean joins() {
        return true;
    }

    @Override
    public int overhead(Channel channel, Payload payload) {
        return encoder.overhead(channel, payload);
    }

    @Override
    public byte @Nullable [] encode(Channel channel, Payload payload, boolean complete) {
        return encoder.encode(channel, payload);
    }

    @Override
    public byte[] missed(Channel channel, int count) {
        return message(object().put("action", "missed")
                        .put("channel", channel.name())
                        .put("count", count))
                .getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public long binary() {
        return encoder.binary();
    }

    private void publications(ObjectNode result, List<Payload> payloads) {
        ArrayNode publications = result.putArray("publications");
        for (Payload payload : payloads) {
            byte[] json = encoder.data(payload);
            if (json != null) {
                ObjectNode publication = publications.addObject();
                publication.putRawValue("data", new RawValue(new String(json, StandardCharsets.UTF_8)));
                Position position = payload.position();
                if (position != null) {
                    publication.put("offset", position.number());
                }
            }
        }
    }

    private static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    private static String message(ObjectNode data) {
        ObjectNode push = object();
        push.putObject("message").set("data", data);
        return push(push);
    }

    private static String push(ObjectNode push) {
        return object().<ObjectNode>set("push", push).toString();
    }

    private static Frame reply(@Nullable JsonNode id, String name, ObjectNode result) {
        ObjectNode reply = object();
        if (id != null) {
            reply.set("id", id);
        }
        return text(reply.<ObjectNode>set(name, result).toString());
    }

    private static Frame text(String json) {
        return Frame.text(json);
    }
}
