package dev.sluice;

import dev.sluice.config.SluiceConfig;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.config.ConfigMappings.ConfigClass;
import jakarta.annotation.Priority;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import jakarta.interceptor.Interceptor;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.eclipse.microprofile.config.Config;
import org.jboss.logging.Logger;

/**
 * Logs environment variables at start that start with {@code SLUICE_} but set no key. An unknown key in a file or
 * system property fails the start; a variable does not, because it may belong to another program.
 */
@Singleton
final class UnreadVariableCheck {

    private static final Logger LOG = Logger.getLogger(UnreadVariableCheck.class);

    private static final String PREFIX = "SLUICE_";
    private static final String NAMESPACE = "sluice.";
    private static final String SERVICE_HOST = "_SERVICE_HOST";

    /** The suffixes that Kubernetes adds to the name of a Service. */
    private static final Pattern SERVICE_LINK =
            Pattern.compile("_SERVICE_HOST|_SERVICE_PORT(_.+)?|_PORT(_\\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?");

    // Runs first, because a misspelt variable may be the reason why the start fails later.
    void warn(@Observes @Priority(Interceptor.Priority.PLATFORM_BEFORE) StartupEvent event, Config config) {
        List<String> unread = of(
                System.getenv().keySet(),
                StreamSupport.stream(config.getPropertyNames().spliterator(), false),
                ConfigClass.configClass(SluiceConfig.class).getProperties().keySet());
        if (!unread.isEmpty()) {
            LOG.warnf(
                    "Sluice ignores environment variables that set no configuration key: %s. If a route's prefix has '-', '_' or"
                            + " capitals, use the key as the variable's name: sluice.routes.my-team.audience",
                    String.join(", ", unread));
        }
    }

    /**
     * Returns the variables without effect, sorted.
     *
     * @param names the names of all properties, including those that SmallRye derives from variables
     * @param keys every configuration key of Sluice; {@code *} stands for one segment
     */
    static List<String> of(Set<String> variables, Stream<String> names, Set<String> keys) {
        List<String> candidates = variables.stream()
                .filter(name -> variable(name).startsWith(PREFIX))
                .sorted()
                .toList();
        if (candidates.isEmpty()) {
            return candidates;
        }
        Pattern key = Pattern.compile(keys.stream()
                .map(one -> "\\Q" + one.replace("*", "\\E([^.]+|\"[^\"]+\")\\Q") + "\\E")
                .collect(Collectors.joining("|")));
        // Most names are not Sluice's, and the pattern is slow.
        Set<String> read = names.filter(name -> name.startsWith(NAMESPACE))
                .filter(name -> key.matcher(name).matches())
                .map(UnreadVariableCheck::variable)
                .collect(Collectors.toSet());
        return candidates.stream()
                .filter(name -> !read.contains(variable(name)) && !isServiceLink(name, variables))
                .toList();
    }

    private static String variable(String name) {
        return name.toUpperCase(Locale.ROOT).replaceAll("[^A-Z0-9]", "_");
    }

    private static boolean isServiceLink(String name, Set<String> variables) {
        return variables.stream()
                .filter(other -> other.endsWith(SERVICE_HOST))
                .map(other -> other.substring(0, other.length() - SERVICE_HOST.length()))
                .anyMatch(service -> name.startsWith(service)
                        && SERVICE_LINK
                                .matcher(name.substring(service.length()))
                                .matches());
    }
}
