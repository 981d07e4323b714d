package dev.sluice.graal;

import com.oracle.svm.core.annotate.Alias;
import com.oracle.svm.core.annotate.Substitute;
import com.oracle.svm.core.annotate.TargetClass;
import io.quarkus.smallrye.openapi.OpenApiFilter.RunStage;
import io.quarkus.smallrye.openapi.runtime.OpenApiDocumentHolder;
import io.quarkus.smallrye.openapi.runtime.OpenApiDocumentService;
import io.quarkus.smallrye.openapi.runtime.OpenApiRecorder;
import io.quarkus.smallrye.openapi.runtime.filter.AutoSecurityFilter;
import io.smallrye.openapi.runtime.io.Format;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Makes OpenAPI's document when it is first asked for. Quarkus makes it before the listener is open, which took 15 % of an executable's
 * start.
 */
final class OpenApiOnDemand {

    /** What the documents not asked for are made of, by name. Guarded by itself. */
    private static final Map<String, Ingredients> PENDING = new HashMap<>();

    private OpenApiOnDemand() {}

    private record Ingredients(AutoSecurityFilter autoSecurityFilter, Map<RunStage, List<String>> filtersByStage) {}

    @TargetClass(OpenApiRecorder.class)
    static final class Recorder {

        @Substitute
        public void prepareDocument(
                AutoSecurityFilter autoSecurityFilter,
                Map<RunStage, List<String>> filtersByStage,
                String documentName) {
            synchronized (PENDING) {
                PENDING.put(documentName, new Ingredients(autoSecurityFilter, filtersByStage));
            }
        }
    }

    @TargetClass(OpenApiDocumentService.class)
    static final class Service {

        @Alias
        private Map<String, OpenApiDocumentHolder> documentHolders;

        @Alias
        native void prepareDocument(
                AutoSecurityFilter autoSecurityFilter, Map<RunStage, List<String>> filtersByStage, String documentName);

        @Substitute
        public byte[] getDocument(String documentName, Format format) {
            synchronized (PENDING) {
                Ingredients pending = PENDING.get(documentName);
                if (pending != null) {
                    prepareDocument(pending.autoSecurityFilter(), pending.filtersByStage(), documentName);
                    PENDING.remove(documentName);
                }
                OpenApiDocumentHolder document = documentHolders.get(documentName);
                if (document == null) {
                    return new byte[0];
                }
                return format == Format.JSON ? document.getJsonDocument() : document.getYamlDocument();
            }
        }
    }
}
