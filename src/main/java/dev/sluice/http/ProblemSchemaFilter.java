package dev.sluice.http;

import io.quarkus.smallrye.openapi.OpenApiFilter;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.eclipse.microprofile.openapi.OASFactory;
import org.eclipse.microprofile.openapi.OASFilter;
import org.eclipse.microprofile.openapi.models.OpenAPI;
import org.eclipse.microprofile.openapi.models.Operation;
import org.eclipse.microprofile.openapi.models.PathItem;
import org.eclipse.microprofile.openapi.models.PathItem.HttpMethod;
import org.eclipse.microprofile.openapi.models.media.Schema;
import org.eclipse.microprofile.openapi.models.responses.APIResponse;

/** Adds the problem responses, which are the same for all requests, and the server to the OpenAPI description. */
@OpenApiFilter(stages = OpenApiFilter.RunStage.BUILD)
public final class ProblemSchemaFilter implements OASFilter {

    private static final Map<Integer, String> ALWAYS = Map.of(
            400, "The request is invalid",
            401, "The request needs a valid token",
            403, "The token's groups do not allow this, or the origin is not allowed",
            503, "Tokens can't be verified now; Retry-After says when to retry");

    private static final Map<Integer, String> WITH_BODY = Map.of(
            408, "The body did not arrive in time",
            409, "The key of the channel's name holds no stream",
            413, "The payload is larger than sluice.max-payload",
            415, "The body's media type is not supported");

    private static final Map<Integer, String> WITH_REDIS = Map.of(
            503,
            "Redis did not confirm in time, too many requests are in progress, or tokens can't be verified now;"
                    + " Retry-After says when to retry");

    @Override
    public PathItem filterPathItem(PathItem path) {
        path.getOperations().forEach((method, operation) -> {
            describe(operation, ALWAYS);
            if (method == HttpMethod.POST) {
                describe(operation, WITH_BODY);
            }
            if (method != HttpMethod.GET) {
                describe(operation, WITH_REDIS);
            }
        });
        return path;
    }

    @Override
    public void filterOpenAPI(OpenAPI api) {
        // Relative to the document, which each pod serves.
        api.addServer(OASFactory.createServer().url("/"));
        Schema text = OASFactory.createSchema().addType(Schema.SchemaType.STRING);
        api.getComponents()
                .addSchema(
                        "FieldError",
                        object("field", text).addProperty("message", text).required(List.of("field", "message")))
                .addSchema(
                        "Problem",
                        object("title", text)
                                .addProperty("status", OASFactory.createSchema().addType(Schema.SchemaType.INTEGER))
                                .addProperty("detail", text)
                                .addProperty(
                                        "errors",
                                        OASFactory.createSchema()
                                                .addType(Schema.SchemaType.ARRAY)
                                                .items(OASFactory.createSchema().ref("FieldError")))
                                .required(List.of("title", "status", "detail")));
    }

    private static Schema object(String property, Schema schema) {
        return OASFactory.createSchema().addType(Schema.SchemaType.OBJECT).addProperty(property, schema);
    }

    private static void describe(Operation operation, Map<Integer, String> problems) {
        new TreeMap<>(problems)
                .forEach((status, description) ->
                        operation.getResponses().addAPIResponse(String.valueOf(status), response(description)));
    }

    private static APIResponse response(String description) {
        return OASFactory.createAPIResponse()
                .description(description)
                .content(OASFactory.createContent()
                        .addMediaType(
                                Problem.MEDIA_TYPE,
                                OASFactory.createMediaType()
                                        .schema(OASFactory.createSchema().ref("Problem"))));
    }
}
