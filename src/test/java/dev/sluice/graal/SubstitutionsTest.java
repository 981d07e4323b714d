package dev.sluice.graal;

import static org.assertj.core.api.Assertions.assertThat;

import com.oracle.svm.core.annotate.Substitute;
import com.oracle.svm.core.annotate.TargetClass;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import io.netty.handler.ssl.SslContext;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What Quarkus and Sluice replace in native executables must fit the version of Netty, which is newer than Quarkus's. */
class SubstitutionsTest {

    /** If Netty adds an overload that nobody replaces, what it calls is compiled in, and the build of an executable fails. */
    @Test
    void everyOverloadOfNettyThatMakesTlsContextsIsReplaced() {
        Set<String> replaced = new TreeSet<>();
        for (JavaClass substitution :
                new ClassFileImporter().importPackages("io.quarkus.netty.runtime.graal", "dev.sluice.graal")) {
            if (substitution.isAnnotatedWith(TargetClass.class)
                    && target(substitution).equals(SslContext.class.getName())) {
                substitution.getMethods().stream()
                        .filter(method -> method.isAnnotatedWith(Substitute.class))
                        .filter(SubstitutionsTest::makesContext)
                        .map(SubstitutionsTest::signature)
                        .forEach(replaced::add);
            }
        }
        Set<String> overloads = new ClassFileImporter()
                .importClass(SslContext.class).getMethods().stream()
                        .filter(SubstitutionsTest::makesContext)
                        .map(SubstitutionsTest::signature)
                        .collect(Collectors.toCollection(TreeSet::new));
        assertThat(overloads).hasSizeGreaterThan(2);
        assertThat(replaced).isEqualTo(overloads);
    }

    private static boolean makesContext(JavaMethod method) {
        return method.getName().matches("new(Client|Server)ContextInternal");
    }

    private static String target(JavaClass substitution) {
        TargetClass target = substitution.getAnnotationOfType(TargetClass.class);
        return target.className().isEmpty() ? target.value().getName() : target.className();
    }

    private static String signature(JavaMethod method) {
        return method.getName()
                + method.getRawParameterTypes().stream()
                        .map(JavaClass::getSimpleName)
                        .collect(Collectors.joining(", ", "(", ")"));
    }
}
