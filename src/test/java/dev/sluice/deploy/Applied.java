package dev.sluice.deploy;

import io.fabric8.kubernetes.api.model.ConfigMap;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Objects that are applied to a cluster together. */
public interface Applied {

    /** The folder of kustomize's files. */
    Path ROOT = Path.of("k8s");

    /** Returns the files for development. */
    static Applied dev() {
        return new Kustomized(ROOT.resolve("overlays/dev"), false);
    }

    /** Returns the files for production. */
    static Applied prod() {
        return new Kustomized(ROOT.resolve("overlays/prod"), false);
    }

    /** Returns the Helm chart with the given example values. */
    static Applied chart(String values) {
        return new Chart(values);
    }

    /** Returns everything that can be applied: kustomize's folders, raw and rendered, and the Helm chart with each of its examples. */
    static Stream<Applied> all() {
        return Stream.concat(Kustomized.all(), Chart.all());
    }

    /** Returns all objects of one kind. */
    <T> List<T> all(Class<T> kind);

    /** Whether a cluster would get the objects as they are. */
    boolean rendered();

    /** Returns the variables that Sluice's pods get from the ConfigMap. */
    default Map<String, String> environment() {
        Map<String, String> variables = new HashMap<>();
        all(ConfigMap.class).forEach(map -> variables.putAll(map.getData()));
        return variables;
    }
}
