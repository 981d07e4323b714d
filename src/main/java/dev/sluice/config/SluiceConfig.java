package dev.sluice.config;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Every key under {@code sluice}, with its default and its bounds. Quarkus validates it when the process starts: a value out of
 * bounds, values that do not fit together and a key that does not exist fail the start with a message that names the key.
 */
@ConfigMapping(prefix = "sluice")
@ConsistentSettings
public interface SluiceConfig {

    /** The routes by prefix. */
    Map<String, RouteConfig> routes();

    /** Origins whose pages may connect, besides those of the host that the request is for. */
    Optional<List<String>> origins();

    /** The largest payload that is delivered; larger ones are dropped and counted. */
    @WithDefault("256K")
    @InRange(min = "1", max = "2047M")
    MemorySize maxPayload();

    /** The largest frame, and the largest message made of several, that a client may send. */
    @WithDefault("32K")
    @InRange(min = "1K", max = "2047M")
    MemorySize maxFrame();

    /** Compression of WebSocket messages. */
    Compression compression();

    /** Compression of WebSocket messages (RFC 7692). */
    interface Compression {
        /** Whether clients may have it: it takes several times the memory and CPU time of a connection. */
        @WithDefault("false")
        boolean enabled();

        /** How hard messages are compressed, where 9 is hardest. */
        @WithDefault("6")
        @InRange(min = "1", max = "9")
        int level();
    }

    /** The owner of subscriptions, and how long they outlive a connection. */
    SubscriptionsConfig subscriptions();

    /** What clients may not exceed. */
    LimitsConfig limits();

    /** What may wait for one connection. */
    OutboxConfig outbox();

    /** The newest publications that are kept. */
    RetainConfig retain();

    /** The publications that are kept for clients that come back. */
    HistoryConfig history();

    /** The subscription to Redis. */
    FeedConfig feed();

    /** The messages that prove that the feed hears. */
    CanaryConfig canary();

    /** The order of publications on which all pods agree. */
    Clock clock();

    /** The order of publications on which all pods agree. */
    interface Clock {
        /** How often some pod publishes a tick, from which all count: at most 16 million publications between two. */
        @WithDefault("1s")
        @InRange(min = "10ms", max = "10s")
        Duration interval();
    }

    /** The backend that is asked by routes with {@code access=webhook}, and who may connect. */
    WebhookConfig webhook();

    /** How routes with {@code access=owner} ask Redis. */
    Owner owner();

    /** How Redis is asked for the owner. */
    interface Owner {
        /** How long an answer may take, the time in the queue included. */
        @WithDefault("2s")
        @InRange(min = "1ms")
        Duration timeout();

        /** How many questions are asked at once. */
        @WithDefault("16")
        @InRange(min = "1")
        int concurrency();
    }

    /** What all kinds of access have in common. */
    Access access();

    /** What all kinds of access have in common. */
    interface Access {
        /** How many questions of each kind may wait in the queue; more are not answered. */
        @WithDefault("10000")
        @InRange(min = "1")
        int pending();
    }

    /** How clients authenticate. */
    Auth auth();

    /** How clients authenticate. */
    interface Auth {
        /** How long a client may take to send its auth message. */
        @WithDefault("5s")
        @InRange(min = "1ms")
        Duration timeout();

        /** What happens to a connection whose token expires. */
        @WithDefault("close")
        OnExpiry onExpiry();

        /** What happens to a connection whose token expires. */
        enum OnExpiry {
            /** It is closed. */
            CLOSE,
            /** It stays, with the rights that the token gave it. */
            KEEP
        }
    }

    /** How connections are kept alive. */
    Heartbeat heartbeat();

    /** How connections are kept alive. */
    interface Heartbeat {
        /** How often a sign of life is sent and expected; a peer that leaves three in a row unanswered is gone. */
        @WithDefault("30s")
        @InRange(min = "1ms")
        Duration interval();
    }

    /** How clients are told of gaps. */
    Gap gap();

    /** How clients are told of gaps. */
    interface Gap {
        /** Over how long the notices are spread, because every client then fetches what it missed. */
        @WithDefault("2s")
        @InRange(min = "0s")
        Duration spread();
    }

    /** What happens when the process is asked to stop. */
    Drain drain();

    /** What happens when the process is asked to stop. */
    interface Drain {
        /** How long new connections are still accepted. */
        @WithDefault("0s")
        @InRange(min = "0s")
        Duration delay();

        /** Over how long the connections are closed after that. */
        @WithDefault("10s")
        @InRange(min = "0s")
        Duration period();
    }

    /** The life of connections. */
    Connections connections();

    /** The life of connections. */
    interface Connections {
        /** Older connections are closed, so that clients even out over a fleet that has grown; where absent, none are. */
        Optional<@InRange(min = "1ms") Duration> maxAge();
    }

    /** Requests over HTTP. */
    Http http();

    /** Requests over HTTP. */
    interface Http {
        /** How long a request, one for an upgrade among them, may take to arrive, and its answer to be taken. */
        @WithDefault("10s")
        @InRange(min = "1ms")
        Duration requestTimeout();

        /** How many header lines a request may have, those of a trailer included. */
        @WithDefault("100")
        @InRange(min = "16", max = "10000")
        int headerLines();

        /** How many requests of one connection may be unanswered; browsers send them one at a time. */
        @WithDefault("8")
        @InRange(min = "1", max = "1000")
        int pipelinedRequests();
    }

    /** Publishing over HTTP. */
    Publish publish();

    /** Publishing over HTTP. */
    interface Publish {
        /** How long a body may take to arrive, and how long Redis may take to confirm. */
        @WithDefault("2s")
        @InRange(min = "1ms")
        Duration timeout();

        /** How many requests may be under way; more are refused. */
        @WithDefault("128")
        @InRange(min = "1", max = "1024")
        int concurrency();
    }

    /** Messages between pods. */
    Control control();

    /** Messages between pods. */
    interface Control {
        /** What messages between pods are signed with, at least 32 bytes; where absent, pods send each other no commands. */
        Optional<String> secret();
    }

    /** The console. */
    Console console();

    /** The console. */
    interface Console {
        /** Whether there is one; what it shows needs a token of an operator all the same. */
        @WithDefault("false")
        boolean enabled();
    }

    /** The readiness probe. */
    Readiness readiness();

    /** The readiness probe. */
    interface Readiness {
        /** How readiness depends on Redis. */
        @WithDefault("always")
        Redis redis();

        /** How readiness depends on Redis. */
        enum Redis {
            /** Ready only while the feed is live. */
            ALWAYS,
            /** Ready once the feed has been live: in an outage clients stay, are told of the gap, and new ones may connect. */
            STARTUP
        }
    }

    /** The liveness probe. */
    Liveness liveness();

    /** The liveness probe. */
    interface Liveness {
        /** An event loop that is busy with one task for longer makes liveness fail. */
        @WithDefault("10s")
        @InRange(min = "1s")
        Duration maxBlock();
    }
}
