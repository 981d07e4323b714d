package dev.sluice.config;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Every key under {@code sluice}, with its default and bounds. An unknown key, a value out of bounds or an inconsistent
 * pair of values fails the start with a message that names the key.
 */
@ConfigMapping(prefix = "sluice")
@ConsistentSettings
public interface SluiceConfig {

    /** The routes by prefix. */
    Map<String, RouteConfig> routes();

    /** Origins whose pages may connect, in addition to the request's own host. */
    Optional<List<String>> origins();

    /** The maximum payload of a publication; larger ones are dropped and counted. */
    @WithDefault("256K")
    @InRange(min = "1", max = "2047M")
    MemorySize maxPayload();

    /** The maximum size of a client's frame, and of a message of several frames. */
    @WithDefault("32K")
    @InRange(min = "1K", max = "2047M")
    MemorySize maxFrame();

    /** Compression of WebSocket messages. */
    Compression compression();

    /** Compression of WebSocket messages (RFC 7692). */
    interface Compression {
        /** Whether clients may use it. It multiplies the memory and CPU time of a connection. */
        @WithDefault("false")
        boolean enabled();

        /** The compression level, from 1 (fastest) to 9 (smallest). */
        @WithDefault("6")
        @InRange(min = "1", max = "9")
        int level();
    }

    /** The owner of subscriptions, and how long they outlive a connection. */
    SubscriptionsConfig subscriptions();

    /** Limits on clients. */
    LimitsConfig limits();

    /** Limits on data that waits for slow connections. */
    OutboxConfig outbox();

    /** Retained publications. */
    RetainConfig retain();

    /** The publications kept for clients that resume. */
    HistoryConfig history();

    /** Redis streams. */
    StreamsConfig streams();

    /** The subscription to Redis. */
    FeedConfig feed();

    /** The messages that prove that the subscription works. */
    CanaryConfig canary();

    /** The order of publications, on which all pods agree. */
    Clock clock();

    /** The order of publications, on which all pods agree. */
    interface Clock {
        /**
         * The interval between ticks, from which all pods count publications. At most 16 million publications may
         * arrive between two ticks.
         */
        @WithDefault("1s")
        @InRange(min = "10ms", max = "10s")
        Duration interval();
    }

    /** The backend that decides who may subscribe to routes with {@code access=webhook}, and who may connect. */
    WebhookConfig webhook();

    /** Queries of routes with {@code access=owner} to Redis. */
    Owner owner();

    /** Queries of routes with {@code access=owner} to Redis. */
    interface Owner {
        /** The timeout of a query, including the time in the queue. */
        @WithDefault("2s")
        @InRange(min = "1ms")
        Duration timeout();

        /** The maximum number of simultaneous queries. */
        @WithDefault("16")
        @InRange(min = "1")
        int concurrency();
    }

    /** Settings of all access checks. */
    Access access();

    /** Settings of all access checks. */
    interface Access {
        /** The maximum number of queued checks of each kind; further ones fail. */
        @WithDefault("10000")
        @InRange(min = "1")
        int pending();
    }

    /** How clients authenticate. */
    Auth auth();

    /** How clients authenticate. */
    interface Auth {
        /** The time within which a client must send its auth message. */
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
            /** It stays open, with the rights of the token. */
            KEEP
        }
    }

    /** How connections are kept alive. */
    Heartbeat heartbeat();

    /** How connections are kept alive. */
    interface Heartbeat {
        /** The interval between heartbeats. A connection whose client leaves three in a row unanswered is closed. */
        @WithDefault("30s")
        @InRange(min = "1ms")
        Duration interval();
    }

    /** Notices of gaps to clients. */
    Gap gap();

    /** Notices of gaps to clients. */
    interface Gap {
        /**
         * The period over which the notices are spread, because every client then fetches its state from the backend.
         */
        @WithDefault("2s")
        @InRange(min = "0s")
        Duration spread();
    }

    /** The drain at shutdown. */
    Drain drain();

    /** The drain at shutdown. */
    interface Drain {
        /** How long the pod still accepts new connections. */
        @WithDefault("0s")
        @InRange(min = "0s")
        Duration delay();

        /** The period over which the pod then closes its connections. */
        @WithDefault("10s")
        @InRange(min = "0s")
        Duration period();
    }

    /** The lifetime of connections. */
    Connections connections();

    /** The lifetime of connections. */
    interface Connections {
        /** The maximum age of a connection, which distributes clients over new pods; absent: unlimited. */
        Optional<@InRange(min = "1ms") Duration> maxAge();
    }

    /** HTTP requests. */
    Http http();

    /** HTTP requests. */
    interface Http {
        /**
         * The time within which a request, including an upgrade, must arrive, and the client must read the response.
         */
        @WithDefault("10s")
        @InRange(min = "1ms")
        Duration requestTimeout();

        /** The maximum number of header and trailer lines of a request. */
        @WithDefault("100")
        @InRange(min = "16", max = "10000")
        int headerLines();

        /** The maximum number of unanswered requests of one connection; browsers send one at a time. */
        @WithDefault("8")
        @InRange(min = "1", max = "1000")
        int pipelinedRequests();
    }

    /** Publishing over HTTP. */
    Publish publish();

    /** Publishing over HTTP. */
    interface Publish {
        /** The time within which the body must arrive, and within which Redis must then confirm. */
        @WithDefault("2s")
        @InRange(min = "1ms")
        Duration timeout();

        /** The maximum number of simultaneous requests; further ones are refused. */
        @WithDefault("128")
        @InRange(min = "1", max = "1024")
        int concurrency();
    }

    /** Messages between pods. */
    Control control();

    /** Messages between pods. */
    interface Control {
        /** The key that signs messages between pods, at least 32 bytes; absent: pods send each other no commands. */
        Optional<String> secret();

        /** How long a pod waits for the other pods' answers to a question. */
        @WithDefault("500ms")
        @InRange(min = "10ms", max = "10s")
        Duration timeout();

        /** The maximum number of questions that a pod asks at the same time, and of those that it answers. */
        @WithDefault("32")
        @InRange(min = "1", max = "1000")
        int questions();

        /** The maximum rate of questions that a pod asks, per second. */
        @WithDefault("100")
        @InRange(min = "1", max = "10000")
        int questionsPerSecond();
    }

    /** Users who join and leave channels. */
    PresenceConfig presence();

    /** The console. */
    Console console();

    /** The console. */
    interface Console {
        /** Whether the console is served. Its data needs an operator's token. */
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
            /**
             * Ready once the feed has been live. In an outage clients stay and get a notice of the gap, and new clients
             * may connect.
             */
            STARTUP
        }
    }

    /** The liveness probe. */
    Liveness liveness();

    /** The liveness probe. */
    interface Liveness {
        /** The maximum time that an event loop may spend on one task; beyond it, liveness fails. */
        @WithDefault("10s")
        @InRange(min = "1s")
        Duration maxBlock();
    }
}
