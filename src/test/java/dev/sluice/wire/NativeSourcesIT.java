package dev.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.tngtech.archunit.core.domain.JavaAnnotation;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaEnumConstant;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import jakarta.ws.rs.HttpMethod;
import jakarta.ws.rs.Path;
import java.io.File;
import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
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
 * What a native executable is made from, which takes no GraalVM: {@code ./mvnw verify -Dnative
 * -Dquarkus.native.sources-only=true -Dit.test=NativeSourcesIT}.
 */
class NativeSourcesIT {

    private static final File SOURCES = new File("target/native-sources");

    private static final List<String> MEMBERS =
            List.of("allDeclaredConstructors", "allDeclaredMethods", "allDeclaredFields");

    private static JarFile jar;

    /** What may be found by its name, and all its members. */
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
    void nothingOfDevModeIsAmongThem() {
        assertThat(jar.stream().filter(entry -> !entry.isDirectory()).map(JarEntry::getName))
                .contains("dev/sluice/Relay.class", "application.properties")
                .noneMatch(name -> name.contains("demo"));
        assertThat(new File(SOURCES, "lib").list())
                .anyMatch(name -> name.contains("netty"))
                .noneMatch(name -> name.contains("embedded-redis") || name.contains("rest-assured"));
    }

    @Test
    void everyTypeThatIsReadFromOrWrittenAsJsonIsRegistered() throws ClassNotFoundException {
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
                .contains("UploadProgress", "Payload", "Stage", "Receipt", "Presence", "One", "Question", "Arrival");
        assertThat(registered).containsAll(types.stream().map(Class::getName).toList());
    }

    @Test
    void theKindOfCacheThatQuarkusDoesNotKnowIsRegistered() {
        assertThat(registered).contains("com.github.benmanes.caffeine.cache.SSMWW");
    }

    /**
     * A substitution that resets a static field leaves it null or 0 for as long as the executable runs, unless its class is
     * initialised there or sets the field itself.
     */
    @Test
    void everyStaticThatASubstitutionResetsIsSetAgain() throws IOException {
        List<java.nio.file.Path> libraries;
        try (Stream<java.nio.file.Path> files = Files.list(SOURCES.toPath().resolve("lib"))) {
            libraries = files.filter(file -> file.toString().endsWith(".jar")).toList();
        }
        Set<String> reset = new TreeSet<>();
        for (JavaClass substitution : new ClassFileImporter()
                .withImportOption(location -> location.contains("/graal/") || location.contains("/svm/"))
                .importPaths(libraries)) {
            for (JavaField field : substitution.getFields()) {
                if (field.getModifiers().contains(JavaModifier.STATIC)
                        && field.getAnnotations().stream().anyMatch(NativeSourcesIT::resets)) {
                    reset.add(substitution.getSimpleName().replaceFirst("Target_", "") + "." + field.getName());
                }
            }
        }
        List<String> initialisedAtRunTime = List.of(
                "io_vertx_redis_client_impl_RedisClusterConnection.RANDOM",
                "io_vertx_redis_client_impl_RedisReplicationConnection.RANDOM",
                "io_vertx_redis_client_impl_SentinelTopology.RANDOM",
                "io_vertx_redis_client_impl_Slots.RANDOM");
        // The first two are not read by what they are substituted with; the third is made when it is first asked for.
        List<String> setByThemselves = List.of(
                "io_netty_buffer_EmptyByteBuf.EMPTY_BYTE_BUFFER",
                "io_netty_buffer_EmptyByteBuf.EMPTY_BYTE_BUFFER_ADDRESS",
                "sun_security_jca_JCAUtil.def");
        assertThat(reset)
                .containsExactlyInAnyOrderElementsOf(
                        Stream.concat(initialisedAtRunTime.stream(), setByThemselves.stream())
                                .toList());
        assertThat(Files.readString(SOURCES.toPath().resolve("native-image.args")))
                .contains("--initialize-at-run-time="
                        + Stream.of("SentinelTopology", "Slots", "RedisClusterConnection", "RedisReplicationConnection")
                                .map(name -> "io.vertx.redis.client.impl." + name)
                                .collect(Collectors.joining(",")));
    }

    private static boolean resets(JavaAnnotation<JavaField> annotation) {
        return annotation.getRawType().getName().equals("com.oracle.svm.core.annotate.RecomputeFieldValue")
                && annotation
                        .get("kind")
                        .filter(kind -> ((JavaEnumConstant) kind).name().equals("Reset"))
                        .isPresent();
    }

    /** Whether a request is answered by it, or made. */
    private static boolean isRequest(Method method) {
        return Arrays.stream(method.getAnnotations())
                .anyMatch(annotation -> annotation.annotationType().isAnnotationPresent(HttpMethod.class));
    }

    private static Stream<Type> signature(Method method) {
        return Stream.concat(
                Stream.of(method.getGenericReturnType()), Arrays.stream(method.getGenericParameterTypes()));
    }

    /** Adds what of the type is ours, down to the types of its fields. */
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
