package dev.sluice.deploy;

import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.cfg.CoercionAction;
import com.fasterxml.jackson.databind.cfg.CoercionInputShape;
import com.fasterxml.jackson.databind.introspect.Annotated;
import com.fasterxml.jackson.databind.introspect.JacksonAnnotationIntrospector;
import com.fasterxml.jackson.databind.type.LogicalType;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscaler;
import io.fabric8.kubernetes.api.model.gatewayapi.v1.HTTPRoute;
import io.fabric8.kubernetes.api.model.kustomize.v1beta1.Kustomization;
import io.fabric8.kubernetes.api.model.networking.v1.Ingress;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import io.fabric8.openshift.api.model.monitoring.v1.PrometheusRule;
import io.fabric8.openshift.api.model.monitoring.v1.ServiceMonitor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Parses manifests into the Kubernetes models. Fails on what a cluster would refuse or ignore: unknown kinds and
 * fields, duplicate fields, and numbers or booleans instead of strings.
 */
final class Manifests {

    private static final Map<String, Class<?>> KINDS = kinds();
    private static final YAMLMapper YAML = strict();

    private Manifests() {}

    /** Returns the documents of a file. */
    static List<Object> parse(String yaml) {
        List<Object> models = new ArrayList<>();
        try (MappingIterator<JsonNode> documents =
                YAML.readerFor(JsonNode.class).readValues(yaml)) {
            while (documents.hasNext()) {
                JsonNode document = documents.next();
                String kind = kind(
                        document.path("apiVersion").asText(),
                        document.path("kind").asText());
                Class<?> model = KINDS.get(kind);
                if (model == null) {
                    throw new IllegalArgumentException("unknown kind: " + kind);
                }
                models.add(YAML.treeToValue(document, model));
            }
        } catch (IOException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
        return models;
    }

    private static Map<String, Class<?>> kinds() {
        Map<String, Class<?>> kinds = new HashMap<>();
        kinds.put(kind("kustomize.config.k8s.io/v1beta1", "Kustomization"), Kustomization.class);
        kinds.put(kind("kustomize.config.k8s.io/v1alpha1", "Component"), Kustomization.class);
        Stream.of(
                        ConfigMap.class,
                        Deployment.class,
                        HorizontalPodAutoscaler.class,
                        HTTPRoute.class,
                        Ingress.class,
                        NetworkPolicy.class,
                        PodDisruptionBudget.class,
                        PrometheusRule.class,
                        Service.class,
                        ServiceAccount.class,
                        ServiceMonitor.class)
                .forEach(model -> kinds.put(kind(HasMetadata.getApiVersion(model), HasMetadata.getKind(model)), model));
        return kinds;
    }

    private static String kind(String apiVersion, String kind) {
        return kind + " of " + apiVersion;
    }

    private static YAMLMapper strict() {
        return YAMLMapper.builder()
                .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .annotationIntrospector(new JacksonAnnotationIntrospector() {
                    private static final long serialVersionUID = 1L;

                    // The models would accept unknown fields as "additional properties".
                    @Override
                    public Boolean hasAnySetter(Annotated annotated) {
                        return false;
                    }
                })
                .withCoercionConfig(
                        LogicalType.Textual,
                        text -> text.setCoercion(CoercionInputShape.Integer, CoercionAction.Fail)
                                .setCoercion(CoercionInputShape.Float, CoercionAction.Fail)
                                .setCoercion(CoercionInputShape.Boolean, CoercionAction.Fail))
                .build();
    }
}
