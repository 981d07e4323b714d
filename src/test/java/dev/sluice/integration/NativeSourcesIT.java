package dev.sluice.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import dev.sluice.harness.Pod;
import jakarta.ws.rs.HttpMethod;
import jakarta.ws.rs.Path;
import java.io.File;
import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Checks the input of GraalVM, without GraalVM: {@code ./mvnw verify -Dnative -Dquarkus.native.sources-only=true -Dtest=none
 * -Dsurefire.failIfNoSpecifiedTests=false -Dit.test=NativeSourcesIT}, and the same with {@code -Dtracing}.
 */
class NativeSourcesIT {

    private static final File SOURCES = Pod.PACKAGE.resolve("native-sources").toFile();

    private static final List<String> MEMBERS =
            List.of("allDeclaredConstructors", "allDeclaredMethods", "allDeclaredFields");

    private static JarFile jar;

    /** The classes registered for reflection with all members. */
    private static Set<String> registered;

    @BeforeAll
    static void open() throws IOException {
        assumeThat(Pod.artifact().getProperty("type"))
                .as("what the build was asked for")
                .isEqualTo("native-sources");
        File runner = Objects.requireNonNull(SOURCES.listFiles((folder, name) -> name.endsWith("-runner.jar")))[0];
        jar = new JarFile(runner);
        JsonNode config = new ObjectMapper()
                .readTree(jar.getInputStream(jar.getEntry("META-INF/native-image/reflect-config.json")));
        registered = StreamSupport.stream(config.spliterator(), false)
                .filter(type ->
                        MEMBERS.stream().allMatch(members -> type.path(members).asBoolean()))
                .map(type -> type.get("name").asText())
                .collect(Collectors.toSet());
    }

    @AfterAll
    static void close() throws IOException {
        if (jar != null) {
            jar.close();
        }
    }

    @Test
    void nothingOfDevModeIsIncluded() {
        assertThat(jar.stream().filter(entry -> !entry.isDirectory()).map(JarEntry::getName))
                .contains("dev/sluice/Relay.class", "application.properties")
                .noneMatch(name -> name.contains("demo"));
        assertThat(new File(SOURCES, "lib").list())
                .anyMatch(name -> name.contains("netty"))
                .noneMatch(name -> name.contains("embedded-redis") || name.contains("rest-assured"));
    }

    /** Without the settings of tracing, the executable would look for a collector. */
    @Test
    void tracingIsIncludedOnlyIfAskedFor() throws IOException {
        boolean tracing = System.getProperty("test.package") != null;
        assertThat(List.of(Objects.requireNonNull(new File(SOURCES, "lib").list())))
                .filteredOn(name -> name.contains("opentelemetry-sdk"))
                .matches(found -> found.isEmpty() != tracing);
        assertThat(jar.getEntry("dev/sluice/span/OpenTelemetryTracer_Bean.class") != null)
                .isEqualTo(tracing);
        assertThat(text(jar, "io/quarkus/runtime/generated/RunTimeConfigCustomizer.class")
                        .contains("dev/sluice/span/TracingSettings"))
                .isEqualTo(tracing);
    }

    @Test
    void everyJsonTypeIsRegistered() throws ClassNotFoundException {
        Set<Class<?>> types = new TreeSet<>(Comparator.comparing(Class::getName));
        collect(Class.forName("dev.sluice.events.Event"), types);
        for (JavaClass resource : new ClassFileImporter()
                .withImportOption(new ImportOption.DoNotIncludeTests())
                .withImportOption(location -> !location.contains("/demo/"))
                .importPackages("dev.sluice")) {
            if (resource.isAnnotatedWith(Path.class)) {
                Arrays.stream(resource.reflect().getDeclaredMethods())
                        .filter(NativeSourcesIT::isRequest)
                        .flatMap(NativeSourcesIT::signature)
                        .forEach(part -> collect(part, types));
            }
        }
        assertThat(types)
                .extracting(Class::getSimpleName)
                .contains("UploadProgress", "Payload", "Stage", "Receipt", "Presence", "One");
        assertThat(registered).containsAll(types.stream().map(Class::getName).toList());
    }

    @Test
    void cacheClassThatQuarkusMissesIsRegistered() {
        assertThat(registered).contains("com.github.benmanes.caffeine.cache.SSMWW");
    }

    /** Quarkus omits the service file that Vert.x finds on a JVM. */
    @Test
    void epollIsFoundAsAService() throws IOException {
        String service = "META-INF/services/io.vertx.core.spi.transport.Transport";
        String epoll = "io.vertx.core.impl.transports.EpollTransport";
        assertThat(registered).contains(epoll);
        assertThat(text(jar, service)).isEqualToIgnoringNewLines(epoll);
        assertThat(text(jar, "META-INF/native-image/resource-config.json"))
                .contains("io\\\\.vertx\\\\.core\\\\.spi\\\\.transport\\\\.Transport");
        // Netty brings its own configuration for the library that it loads.
        File netty = Objects.requireNonNull(new File(SOURCES, "lib")
                .listFiles((folder, name) -> name.startsWith("io.netty.netty-transport-classes-epoll")))[0];
        try (JarFile classes = new JarFile(netty)) {
            assertThat(text(
                            classes,
                            "META-INF/native-image/io.netty/netty-transport-classes-epoll/resource-config.json"))
                    .contains("libnetty_transport_native_epoll");
        }
    }

    private static String text(JarFile from, String name) throws IOException {
        return new String(from.getInputStream(from.getEntry(name)).readAllBytes(), StandardCharsets.UTF_8);
    }

    /** The Redis extension resets their random generators to null. */
    @Test
    void classesWhoseRandomGeneratorIsResetAreInitialisedAtRunTime() throws IOException {
        assertThat(Files.readString(SOURCES.toPath().resolve("native-image.args")))
                .contains("--initialize-at-run-time="
                        + Stream.of("SentinelTopology", "Slots", "RedisClusterConnection", "RedisReplicationConnection")
                                .map(name -> "io.vertx.redis.client.impl." + name)
                                .collect(Collectors.joining(",")));
    }

    /** Whether the method answers or sends a request. */
    private static boolean isRequest(Method method) {
        return Arrays.stream(method.getAnnotations())
                .anyMatch(annotation -> annotation.annotationType().isAnnotationPresent(HttpMethod.class));
    }

    private static Stream<Type> signature(Method method) {
        return Stream.concat(
                Stream.of(method.getGenericReturnType()), Arrays.stream(method.getGenericParameterTypes()));
    }

    /** Adds Sluice's types in the type, including the types of its fields. */
    private static void collect(Type type, Set<Class<?>> types) {
        if (type instanceof ParameterizedType parameterized) {
            for (Type argument : parameterized.getActualTypeArguments()) {
                collect(argument, types);
            }
        } else if (type instanceof Class<?> own && own.getName().startsWith("dev.sluice.") && types.add(own)) {
            if (own.isSealed()) {
                Arrays.stream(own.getPermittedSubclasses()).forEach(permitted -> collect(permitted, types));
            }
            if (own.isRecord()) {
                Arrays.stream(own.getRecordComponents())
                        .map(RecordComponent::getGenericType)
                        .forEach(component -> collect(component, types));
            }
        }
    }
}
