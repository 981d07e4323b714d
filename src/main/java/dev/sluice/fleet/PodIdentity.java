package dev.sluice.fleet;

import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/** The identity of this pod. */
@Singleton
public final class PodIdentity {

    private final String id = UUID.randomUUID().toString();
    private final Instant started = Instant.now();
    private final String name;
    private final String version;

    @Inject
    PodIdentity(
            @ConfigProperty(name = "HOSTNAME") Optional<String> name,
            @ConfigProperty(name = "quarkus.application.version") String version) {
        this.name = name.orElseGet(() -> "process " + ProcessHandle.current().pid());
        this.version = version;
    }

    /** A text that no other process has. */
    public String id() {
        return id;
    }

    /** The name for people: the container's host name, if there is one. */
    public String name() {
        return name;
    }

    /** The version of the application. */
    public String version() {
        return version;
    }

    /** When the pod started. */
    public Instant started() {
        return started;
    }
}
