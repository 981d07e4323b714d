package dev.sluice.deploy;

import static org.assertj.core.api.Assumptions.assumeThat;

import io.fabric8.kubernetes.api.model.kustomize.v1beta1.ConfigMapArgs;
import io.fabric8.kubernetes.api.model.kustomize.v1beta1.Kustomization;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/** A folder and all that its kustomization refers to: the files as they are, or what kubectl makes of them, where there is one. */
record Kustomized(Path folder, boolean rendered) implements Applied {

    /** Concurrent, because some classes of tests run at the same time. */
    private static final Map<Path, List<Object>> RENDERED = new ConcurrentHashMap<>();

    /** Returns every folder that can be applied, raw and rendered. */
    static Stream<Kustomized> all() {
        return Stream.of("base", "overlays/dev", "overlays/prod")
                .map(ROOT::resolve)
                .flatMap(folder -> Stream.of(new Kustomized(folder, false), new Kustomized(folder, true)));
    }

    @Override
    public <T> List<T> all(Class<T> kind) {
        List<Object> objects = rendered
                ? RENDERED.computeIfAbsent(folder, folder -> Manifests.parse(render(folder)))
                : files().values().stream().flatMap(List::stream).toList();
        return objects.stream().filter(kind::isInstance).map(kind::cast).toList();
    }

    @Override
    public Map<String, String> environment() {
        Map<String, String> variables = Applied.super.environment();
        for (Kustomization kustomization : all(Kustomization.class)) {
            for (ConfigMapArgs map : kustomization.getConfigMapGenerator()) {
                for (String literal : map.getLiterals()) {
                    String[] variable = literal.split("=", 2);
                    variables.put(variable[0], variable[1]);
                }
            }
        }
        return variables;
    }

    /** Returns the content of each file in the order of kustomize: later ones override. */
    Map<Path, List<Object>> files() {
        Map<Path, List<Object>> files = new LinkedHashMap<>();
        collect(folder, files);
        return files;
    }

    private static void collect(Path folder, Map<Path, List<Object>> files) {
        Path file = folder.resolve("kustomization.yaml");
        List<Object> documents = read(file);
        Kustomization kustomization = (Kustomization) documents.get(0);
        Stream.concat(kustomization.getResources().stream(), kustomization.getComponents().stream())
                .map(reference -> folder.resolve(reference).normalize())
                .forEach(path -> {
                    if (Files.isDirectory(path)) {
                        collect(path, files);
                    } else {
                        files.put(path, read(path));
                    }
                });
        kustomization.getConfigMapGenerator().stream()
                .flatMap(map -> map.getFiles().stream())
                .map(named -> folder.resolve(named.substring(named.indexOf('=') + 1)))
                .forEach(path -> files.put(path, List.of()));
        files.put(file, documents);
    }

    private static List<Object> read(Path file) {
        try {
            return Manifests.parse(Files.readString(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
        }
    }

    private static String render(Path folder) {
        Optional<Tool> renderer = Tool.find("kubectl", "kustomize").or(() -> Tool.find("kustomize", "build"));
        assumeThat(renderer)
                .as("Not rendered, as there is neither a kubectl nor a kustomize here")
                .isPresent();
        return renderer.orElseThrow().run(folder.toString());
    }

    @Override
    public String toString() {
        return folder + (rendered ? ", rendered" : "");
    }
}
