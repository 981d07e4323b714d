package dev.sluice;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.conditions.ArchConditions.haveRawType;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noFields;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.ArchConfiguration;
import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaStaticInitializer;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import dev.sluice.log.LogThrottle;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import jakarta.inject.Inject;
import java.net.InetAddress;
import java.net.SocketAddress;
import java.nio.Buffer;
import java.nio.file.Files;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

@Execution(ExecutionMode.CONCURRENT)
class ArchitectureTest {

    private static final JavaClasses HOUSE = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.sluice");

    private static final DescribedPredicate<JavaClass> STATE_OF_THE_MACHINE = describe(
            "chance, time, threads, addresses or memory outside the heap",
            type -> Stream.of(
                            RandomGenerator.class,
                            UUID.class,
                            Instant.class,
                            InstantSource.class,
                            LogThrottle.class,
                            Thread.class,
                            Executor.class,
                            InetAddress.class,
                            SocketAddress.class,
                            Buffer.class,
                            ByteBuf.class,
                            ByteBufAllocator.class)
                    .anyMatch(type::isAssignableTo));

    /** {@link InternalsTest} says on what each of these relies, and of the {@link #QUARKUS} and {@link #SMALLRYE} ones. */
    static final Set<String> VERTX =
            Set.of("feed.DecodingVertx", "guard.AcceptLimiter", "guard.BoundedRequestDecoder", "guard.TcpChannel");

    static final Set<String> QUARKUS = Set.of(
            "access.BackendClientFactory",
            "access.RequestTokenMechanism",
            "graal.OpenApiOnDemand",
            "graal.QuickNames",
            "guard.ConnectGate",
            "http.Gate",
            "redis.ClientTypeCheck",
            "redis.CommandConnectionFactory");

    static final Set<String> SMALLRYE = Set.of(
            "UnreadVariableCheck",
            "access.JwtVerifier",
            "access.KeyFetch",
            "access.KeySet",
            "access.RequestToken",
            "access.ServerKeys",
            "access.StaticKeys",
            "access.TokenFailureMapper",
            "access.TokenVerifier",
            "access.VerificationKey",
            "config.OwnSettingsValidation",
            "demo.DevTokenFactory",
            "graal.QuickNames",
            "wire.EventLoops");

    /** Besides the packages wire and feed. */
    private static final Set<String> NETTY = Set.of(
            "access.RequestToken",
            "guard.AcceptLimiter",
            "guard.AddressGroup",
            "guard.AddressLimit",
            "guard.BoundedRequestDecoder",
            "guard.ConnectGate",
            "guard.HeldRequests",
            "guard.HttpDetector",
            "guard.RequestGuard",
            "guard.RequestLimiter",
            "guard.TcpChannel",
            "guard.TurnSchedulers",
            "health.EventLoopLiveness",
            "http.Problem");

    @Test
    void packagesAreFreeOfCycles() {
        slices().matching("dev.sluice.(*)..").should().beFreeOfCycles().check(HOUSE);
    }

    @Test
    void importsFollowTheLayers() {
        layeredArchitecture()
                .consideringOnlyDependenciesInLayers()
                .layer("root")
                .definedBy("dev.sluice")
                .layer("demo")
                .definedBy("dev.sluice.demo")
                .layer("console")
                .definedBy("dev.sluice.console")
                .layer("health")
                .definedBy("dev.sluice.health")
                .layer("session")
                .definedBy("dev.sluice.session")
                .layer("protocol")
                .definedBy("dev.sluice.protocol")
                .layer("wire")
                .definedBy("dev.sluice.wire")
                .layer("guard")
                .definedBy("dev.sluice.guard")
                .layer("operate")
                .definedBy("dev.sluice.operate")
                .layer("fleet")
                .definedBy("dev.sluice.fleet")
                .layer("presence")
                .definedBy("dev.sluice.presence")
                .layer("trace")
                .definedBy("dev.sluice.trace")
                .layer("linger")
                .definedBy("dev.sluice.linger")
                .layer("control")
                .definedBy("dev.sluice.control")
                .layer("events")
                .definedBy("dev.sluice.events")
                .layer("publish")
                .definedBy("dev.sluice.publish")
                .layer("http")
                .definedBy("dev.sluice.http")
                .layer("redis")
                .definedBy("dev.sluice.redis")
                .layer("bulkhead")
                .definedBy("dev.sluice.bulkhead")
                .layer("config")
                .definedBy("dev.sluice.config")
                .layer("log")
                .definedBy("dev.sluice.log")
                .layer("registry")
                .definedBy("dev.sluice.registry")
                .layer("delivery")
                .definedBy("dev.sluice.delivery")
                .layer("history")
                .definedBy("dev.sluice.history")
                .layer("stream")
                .definedBy("dev.sluice.stream")
                .layer("retain")
                .definedBy("dev.sluice.retain")
                .layer("outbox")
                .definedBy("dev.sluice.outbox")
                .layer("route")
                .definedBy("dev.sluice.route")
                .layer("clock")
                .definedBy("dev.sluice.clock")
                .layer("access")
                .definedBy("dev.sluice.access")
                .layer("feed")
                .definedBy("dev.sluice.feed")
                .layer("span")
                .definedBy("dev.sluice.span")
                .layer("graal")
                .definedBy("dev.sluice.graal")
                .whereLayer("root")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("demo")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("graal")
                .mayOnlyBeAccessedByLayers("root")
                .whereLayer("console")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("health")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("session")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("protocol")
                .mayOnlyBeAccessedByLayers("session")
                .whereLayer("wire")
                .mayOnlyBeAccessedByLayers("session")
                .whereLayer("guard")
                .mayOnlyBeAccessedByLayers("session", "wire")
                .whereLayer("events")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("operate")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("linger")
                .mayOnlyBeAccessedByLayers("session")
                .whereLayer("control")
                .mayOnlyBeAccessedByLayers("operate", "linger", "fleet", "presence")
                .whereLayer("fleet")
                .mayOnlyBeAccessedByLayers("operate", "console", "session", "trace", "presence")
                .whereLayer("presence")
                .mayOnlyBeAccessedByLayers("session")
                .whereLayer("trace")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("publish")
                .mayOnlyBeAccessedByLayers("operate", "control", "events")
                .whereLayer("http")
                .mayOnlyBeAccessedByLayers(
                        "session", "guard", "operate", "publish", "events", "console", "fleet", "trace")
                .whereLayer("delivery")
                .mayOnlyBeAccessedByLayers("root", "session", "feed", "stream", "trace")
                .whereLayer("stream")
                .mayOnlyBeAccessedByLayers("root", "session", "health")
                .whereLayer("retain")
                .mayOnlyBeAccessedByLayers("root", "session")
                .whereLayer("history")
                .mayOnlyBeAccessedByLayers("root", "session", "trace")
                .whereLayer("registry")
                .mayOnlyBeAccessedByLayers(
                        "root",
                        "session",
                        "delivery",
                        "stream",
                        "operate",
                        "console",
                        "linger",
                        "fleet",
                        "trace",
                        "presence")
                .whereLayer("outbox")
                .mayOnlyBeAccessedByLayers(
                        "root",
                        "session",
                        "protocol",
                        "wire",
                        "delivery",
                        "stream",
                        "retain",
                        "history",
                        "registry",
                        "operate",
                        "console",
                        "linger",
                        "presence",
                        "trace")
                .whereLayer("route")
                .mayOnlyBeAccessedByLayers(
                        "root",
                        "session",
                        "protocol",
                        "wire",
                        "delivery",
                        "stream",
                        "retain",
                        "history",
                        "registry",
                        "linger",
                        "outbox",
                        "access",
                        "config",
                        "publish",
                        "operate",
                        "fleet",
                        "trace",
                        "presence",
                        "console")
                .whereLayer("access")
                .mayOnlyBeAccessedByLayers("session", "protocol", "http", "linger", "trace")
                .whereLayer("span")
                .mayOnlyBeAccessedByLayers("session", "wire", "access", "publish")
                .whereLayer("bulkhead")
                .mayOnlyBeAccessedByLayers("publish", "access")
                .whereLayer("redis")
                .mayOnlyBeAccessedByLayers("publish", "access", "feed", "stream")
                .whereLayer("feed")
                .mayOnlyBeAccessedByLayers(
                        "root", "health", "session", "stream", "control", "console", "fleet", "trace", "presence")
                .ensureAllClassesAreContainedInArchitecture()
                .check(HOUSE);
    }

    @Test
    void noFieldIsInjected() {
        noFields()
                .should()
                .beAnnotatedWith(Inject.class)
                .orShould()
                .beAnnotatedWith(ConfigProperty.class)
                .check(HOUSE);
    }

    /** A native executable contains the static state of the machine that built it. */
    @Test
    void noStaticFieldKeepsStartUpState() {
        noFields().that().areStatic().should(haveRawType(STATE_OF_THE_MACHINE)).check(HOUSE);
        noClasses()
                .should()
                .accessTargetWhere(describe(
                        "a static initialiser reads the state of the machine",
                        access -> access.getOrigin() instanceof JavaStaticInitializer
                                && !access.getOriginOwner().equals(access.getTargetOwner())
                                && (STATE_OF_THE_MACHINE.test(access.getTargetOwner())
                                        || Stream.of(System.class, Runtime.class, Files.class, Unpooled.class)
                                                .anyMatch(access.getTargetOwner()::isEquivalentTo))))
                .check(HOUSE);
    }

    /** The common pool has one thread on two cores, and on JDK 25 java.net.http completes its futures there. */
    @Test
    void noClassUsesTheCommonPool() {
        noClasses()
                .should()
                .callMethod(CompletableFuture.class, "runAsync", Runnable.class)
                .orShould()
                .callMethod(CompletableFuture.class, "supplyAsync", Supplier.class)
                .check(withTests());
    }

    /** Of the classes of libraries, which take most of the time, this rule needs only the names. */
    private static JavaClasses withTests() {
        return ArchConfiguration.withThreadLocalScope(configuration -> {
            configuration.setResolveMissingDependenciesFromClassPath(false);
            return new ClassFileImporter().importPackages("dev.sluice");
        });
    }

    /**
     * Vert.x tells an event loop of each task that a worker has done. If the loops have ended meanwhile, it logs an error,
     * so nothing that runs until a pod has stopped may use its workers. Tokens end with the connections, before the loops.
     */
    @Test
    void onlyNamedPackageUsesVertxWorkers() {
        noClasses()
                .that()
                .resideOutsideOfPackage("dev.sluice.access")
                .should()
                .callMethodWhere(describe(
                        "are executeBlocking",
                        call -> call.getTarget().getName().equals("executeBlocking")))
                .check(HOUSE);
    }

    @Test
    void onlyNamedClassesUseVertxInternals() {
        noClasses()
                .that(otherThan(VERTX))
                .should()
                .dependOnClassesThat(resideInAPackage("io.vertx..impl.."))
                .check(HOUSE);
    }

    @Test
    void onlyNamedClassesUseNetty() {
        noClasses()
                .that()
                .resideOutsideOfPackages("dev.sluice.wire", "dev.sluice.feed", "dev.sluice.graal")
                .and(otherThan(NETTY))
                .should()
                .dependOnClassesThat(resideInAPackage("io.netty.."))
                .check(HOUSE);
    }

    /**
     * All packages except {@code io.quarkus.runtime}, which has the public events, annotations and configuration types.
     */
    @Test
    void onlyNamedClassesUseQuarkusInternals() {
        noClasses()
                .that(otherThan(QUARKUS))
                .should()
                .dependOnClassesThat(describe(
                        "are in a runtime package of an extension",
                        type -> type.getPackageName().matches("io\\.quarkus\\..+\\.runtime(\\..*)?")))
                .check(HOUSE);
    }

    /** Mutiny and the annotations of configuration, health checks and fault tolerance are public. */
    @Test
    void onlyNamedClassesUseSmallRyeInternals() {
        noClasses()
                .that(otherThan(SMALLRYE))
                .should()
                .dependOnClassesThat(
                        describe(
                                "are SmallRye's, for tokens, contexts or other uses of the configuration than by annotations",
                                type -> type.getName()
                                        .matches(
                                                "io\\.smallrye\\.(jwt\\.|common\\.vertx\\.|config\\.(?!ConfigMapping(\\$.*)?$"
                                                        + "|With[A-Za-z]+$|(Fallback)?ConfigSourceInterceptor(Context)?$|ConfigValue$)).*")))
                .check(HOUSE);
    }

    private static DescribedPredicate<JavaClass> otherThan(Set<String> names) {
        return describe(
                "are other than " + names,
                type -> !names.contains(
                        type.getName().replaceFirst("^dev\\.sluice\\.", "").replaceFirst("\\$.*$", "")));
    }
}
