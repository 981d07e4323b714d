package dev.sluice.fleet;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.config.SluiceConfig;
import dev.sluice.control.Control;
import dev.sluice.control.DisconnectUser;
import dev.sluice.control.FleetMessage;
import dev.sluice.feed.Feed;
import dev.sluice.feed.Gap;
import dev.sluice.feed.Interruption;
import dev.sluice.fleet.Answers.Answer;
import dev.sluice.http.ProblemException;
import dev.sluice.log.LimitMeter;
import dev.sluice.registry.Registry;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.Startup;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.infrastructure.Infrastructure;
import io.vertx.core.Vertx;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Singleton;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

/**
 * Asks all pods, and answers the questions of the others. A pod knows from Redis how many subscribers got its question,
 * and from what the others tell of themselves how they are called. Without {@code sluice.control.secret} only this pod
 * is asked. Thread-safe.
 */
@Startup
@Singleton
public final class Fleet {

    private static final Logger LOG = Logger.getLogger(Fleet.class);

    /** The maximum length of a pod's name. */
    private static final int MAX_NAME = 100;

    /** The maximum characters of a question: twice the longest names, and few enough for a message of the pods. */
    private static final int MAX_QUESTION = 1_500;

    private static final String KIND = "kind";
    /** The field of messages that has the id of the pod that sends it. */
    public static final String FROM = "from";

    private static final String POD = "pod";
    private static final String CONTENT = "content";

    private final Control control;
    private final Feed feed;
    private final Registry registry;
    private final Vertx vertx;
    private final PodIdentity identity;
    private final Instance<Responder> responders;
    private final long timeoutMillis;
    private final boolean counted;
    private final QuestionRate rate;
    private final int questions;
    private final Semaphore asking;
    private final Semaphore answering;
    private final LimitMeter tooMany;
    private final Counter complete;
    private final Counter incomplete;
    private final Members members = new Members(System::nanoTime);
    private final Map<String, Inquiry> inquiries = new ConcurrentHashMap<>();
    private final AtomicLong gaps = new AtomicLong();
    private volatile Map<String, Responder> byKind = Map.of();
    private volatile boolean stopped;
    private volatile boolean toldLive;

    Fleet(
            Control control,
            Feed feed,
            Registry registry,
            Vertx vertx,
            PodIdentity identity,
            Instance<Responder> responders,
            SluiceConfig config,
            @ConfigProperty(name = "quarkus.redis.client-type", defaultValue = "standalone") String clientType,
            MeterRegistry metrics) {
        this.control = control;
        this.feed = feed;
        this.registry = registry;
        this.vertx = vertx;
        this.identity = identity;
        this.responders = responders;
        this.timeoutMillis = config.control().timeout().toMillis();
        this.counted = !clientType.equals("cluster");
        this.rate = new QuestionRate(config.control().questionsPerSecond(), System::nanoTime);
        this.questions = config.control().questions();
        this.asking = new Semaphore(questions);
        this.answering = new Semaphore(config.control().questions());
        this.tooMany = new LimitMeter("questions", metrics);
        this.complete = questions("complete", metrics);
        this.incomplete = questions("incomplete", metrics);
    }

    private static Counter questions(String outcome, MeterRegistry metrics) {
        return Counter.builder("sluice.questions")
                .description("Questions to the other pods")
                .tag("outcome", outcome)
                .register(metrics);
    }

    void start(@Observes StartupEvent event) {
        byKind = responders.stream().collect(Collectors.toUnmodifiableMap(Responder::kind, responder -> responder));
        tellLater();
    }

    void stop(@Observes ShutdownEvent event) {
        stopped = true;
        if (control.enabled()) {
            subscribe(control.tell(FleetMessage.LEAVE, from()), receivers -> {});
        }
    }

    /** Returns what the other pods have told of themselves. */
    public List<SeenMember> others() {
        return members.all();
    }

    /** Returns what this pod tells of itself. */
    public Member self() {
        return new Member(
                identity.name(),
                identity.version(),
                identity.started(),
                Instant.now(),
                registry.connections(),
                registry.present().size(),
                gaps.get(),
                feed.live());
    }

    /** Whether the pods share a secret, so that they can ask each other. */
    public boolean enabled() {
        return control.enabled();
    }

    /**
     * Asks every pod, and completes with the answers of those that answered within {@code sluice.control.timeout}, on
     * any thread. Fails only with a {@link ProblemException}, if too many questions are asked.
     *
     * @param arguments the fields of the question; must not change any more
     */
    public Uni<Answers> ask(String kind, ObjectNode arguments) {
        return ask(kind, arguments, false);
    }

    /** The same for a client, which gets only half of the questions, so that operators can always ask. */
    Uni<Answers> askForClient(String kind, ObjectNode arguments) {
        return ask(kind, arguments, true);
    }

    private Uni<Answers> ask(String kind, ObjectNode arguments, boolean forClient) {
        checkLength(arguments.toString());
        return Uni.createFrom().deferred(() -> {
            if (!control.enabled()) {
                return here(kind, arguments).map(own -> new Answers(List.of(own), null, null));
            }
            if ((forClient && asking.availablePermits() <= questions / 2) || !asking.tryAcquire()) {
                return Uni.createFrom().failure(refused());
            }
            if (!rate.admit(forClient)) {
                asking.release();
                return Uni.createFrom().failure(refused());
            }
            return here(kind, arguments)
                    .chain(own -> {
                        Open open = open(own);
                        ObjectNode question =
                                from().put(FleetMessage.ID, open.id).put(KIND, kind);
                        question.set(CONTENT, arguments);
                        subscribe(control.tell(FleetMessage.QUESTION, question), open.inquiry::sent);
                        return Uni.createFrom().completionStage(open.answers);
                    })
                    .onTermination()
                    .invoke(asking::release);
        });
    }

    private static void checkLength(String arguments) {
        if (arguments.length() > MAX_QUESTION) {
            throw ProblemException.badRequest("The name is too long");
        }
    }

    private ProblemException refused() {
        tooMany.exceeded();
        return ProblemException.unavailable("Too many questions to the other pods are in progress");
    }

    /**
     * Asks every other pod to disconnect a user. Completes as {@link #ask} does, but with more questions than allowed it
     * does not wait for answers. Fails as {@link Control#disconnect} does if Redis does not confirm.
     *
     * @param own this pod's part of the answer
     */
    public Uni<Answers> disconnect(String user, ObjectNode own) {
        checkLength(user);
        return Uni.createFrom().deferred(() -> {
            Answer here = new Answer(identity.name(), own);
            if (!asking.tryAcquire()) {
                Pods pods = members.pods(Map.of(identity.id(), identity.name()), 1, null, counted);
                return control.disconnect(user, UUID.randomUUID().toString())
                        .map(receivers -> new Answers(List.of(here), pods, receivers));
            }
            Open open = open(here);
            return control.disconnect(user, open.id)
                    .invoke(open.inquiry::sent)
                    .chain(receivers -> Uni.createFrom()
                            .completionStage(open.answers)
                            .map(answers -> new Answers(answers.list(), answers.pods(), receivers)))
                    .onTermination()
                    .invoke(asking::release);
        });
    }

    /** A question that has been asked. */
    private record Open(String id, Inquiry inquiry, CompletableFuture<Answers> answers) {}

    private Open open(Answer own) {
        String id = UUID.randomUUID().toString();
        CompletableFuture<Answers> answers = new CompletableFuture<>();
        Inquiry inquiry = new Inquiry(identity.id(), own, members, counted, result -> {
            inquiries.remove(id);
            control.forget(id);
            (result.pods() != null && result.pods().complete() ? complete : incomplete).increment();
            answers.complete(result);
        });
        inquiries.put(id, inquiry);
        control.await(id);
        vertx.setTimer(timeoutMillis, fired -> inquiry.timeout());
        return new Open(id, inquiry, answers);
    }

    /** Answers another pod's question. */
    public void answer(String id, ObjectNode content) {
        ObjectNode answer = from().put(POD, identity.name());
        answer.set(CONTENT, content);
        subscribe(control.answer(id, answer), receivers -> {});
    }

    void heard(@Observes DisconnectUser command) {
        if (command.own() && command.id() != null) {
            echo(command.id());
        }
    }

    void heard(@Observes FleetMessage message) {
        JsonNode content = message.content();
        String from = content.path(FROM).asText();
        String id = content.path(FleetMessage.ID).asText();
        boolean own = from.equals(identity.id());
        switch (message.command()) {
            case FleetMessage.QUESTION -> {
                if (own) {
                    echo(id);
                } else {
                    answer(id, content.path(KIND).asText(), content.path(CONTENT));
                }
            }
            case FleetMessage.ANSWER -> {
                Inquiry inquiry = inquiries.get(id);
                if (inquiry != null) {
                    inquiry.answered(from, new Answer(text(content, POD), content.path(CONTENT)), message.length());
                }
            }
            case FleetMessage.POD -> {
                if (!own) {
                    members.heard(from, member(content));
                }
            }
            case FleetMessage.LEAVE -> members.left(from);
            default -> {}
        }
    }

    private void echo(String id) {
        Inquiry inquiry = inquiries.get(id);
        if (inquiry != null) {
            inquiry.echoed();
        }
    }

    private void answer(String id, String kind, JsonNode question) {
        if (!byKind.containsKey(kind)) {
            LOG.debugf("Sluice ignored a question of another pod that this version does not know");
            return;
        }
        if (!answering.tryAcquire()) {
            tooMany.exceeded();
            return;
        }
        here(kind, question)
                .onTermination()
                .invoke(answering::release)
                .subscribe()
                .with(
                        answer -> answer(id, (ObjectNode) answer.content()),
                        failure -> LOG.debug("A question of another pod was not answered", failure));
    }

    /** Answers a question for this pod, not on an event loop, because it may take some milliseconds. */
    private Uni<Answer> here(String kind, JsonNode question) {
        Responder responder = Objects.requireNonNull(byKind.get(kind), kind);
        return Uni.createFrom()
                .item(() -> {
                    AnswerBuilder answer = new AnswerBuilder();
                    responder.answer(question, answer);
                    return new Answer(identity.name(), answer.content());
                })
                .runSubscriptionOn(Infrastructure.getDefaultWorkerPool())
                .onFailure()
                .transform(failure -> {
                    LOG.debug("This pod could not answer", failure);
                    return ProblemException.unavailable("An event loop of this pod did not answer in time");
                });
    }

    /** Tells whether this pod is live. */
    void onGap(@Observes Gap gap) {
        tell();
    }

    void onInterruption(@Observes Interruption interruption) {
        if (interruption.until() == null) {
            gaps.incrementAndGet();
        }
        // Channels that lose something and their listeners may come and go very often.
        if (feed.isSharded() && feed.live() != toldLive) {
            tell();
        }
    }

    private void tellLater() {
        long interval = Members.INTERVAL_MILLIS;
        vertx.setTimer(ThreadLocalRandom.current().nextLong(interval * 8 / 10, interval), fired -> {
            tell();
            tellLater();
        });
    }

    private void tell() {
        if (!control.enabled() || stopped) {
            return;
        }
        Member self = self();
        toldLive = self.live();
        subscribe(
                control.tell(
                        FleetMessage.POD,
                        from().put(POD, self.pod())
                                .put("version", self.version())
                                .put("started", self.started().toEpochMilli())
                                .put("told", self.told().toEpochMilli())
                                .put("connections", self.connections())
                                .put("users", self.users())
                                .put("gaps", self.gaps())
                                .put("live", self.live())),
                receivers -> {});
    }

    private static Member member(JsonNode content) {
        return new Member(
                text(content, POD),
                text(content, "version"),
                Instant.ofEpochMilli(content.path("started").asLong()),
                Instant.ofEpochMilli(content.path("told").asLong()),
                content.path("connections").asLong(),
                content.path("users").asLong(),
                content.path("gaps").asLong(),
                content.path("live").asBoolean());
    }

    private static String text(JsonNode content, String field) {
        String text = content.path(field).asText();
        return text.length() <= MAX_NAME ? text : text.substring(0, MAX_NAME);
    }

    private ObjectNode from() {
        return JsonNodeFactory.instance.objectNode().put(FROM, identity.id());
    }

    private static void subscribe(Uni<Long> sending, Consumer<Long> sent) {
        sending.subscribe().with(sent, failure -> LOG.debug("A message to the other pods was not sent", failure));
    }
}
