package dev.sluice.graal;

import static org.assertj.core.api.Assertions.assertThat;

import com.oracle.svm.core.annotate.Alias;
import com.oracle.svm.core.annotate.Substitute;
import com.oracle.svm.core.annotate.TargetClass;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaMember;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import io.netty.handler.ssl.SslContext;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What Sluice replaces in native executables must fit the libraries, which else only GraalVM checks. */
class SubstitutionsTest {

    private static final JavaClasses SLUICE = new ClassFileImporter().importPackages("dev.sluice.graal");

    @Test
    void targetsHaveWhatSluiceReplacesOrUses() {
        List<JavaClass> substitutions = SLUICE.stream()
                .filter(type -> type.isAnnotatedWith(TargetClass.class))
                .toList();
        assertThat(substitutions).hasSizeGreaterThan(3).allSatisfy(substitution -> {
            JavaClass target = new ClassFileImporter().importClass(load(target(substitution)));
            assertThat(members(target)).containsAll(members(substitution));
        });
    }

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

    /** Returns the members of a target, or those of a substitution that stand for the target's. */
    private static Set<String> members(JavaClass type) {
        boolean substitution = type.isAnnotatedWith(TargetClass.class);
        return type.getMembers().stream()
                .filter(member -> !substitution
                        || member.isAnnotatedWith(Alias.class)
                        || member.isAnnotatedWith(Substitute.class))
                .map(member -> (member.getModifiers().contains(JavaModifier.STATIC) ? "static " : "") + typed(member))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static String typed(JavaMember member) {
        return member instanceof JavaCodeUnit code
                ? target(code.getRawReturnType()) + " " + signature(code)
                : target(((JavaField) member).getRawType()) + " " + member.getName();
    }

    private static Class<?> load(String name) {
        try {
            return Class.forName(name, false, SubstitutionsTest.class.getClassLoader());
        } catch (ClassNotFoundException e) {
            throw new AssertionError(e);
        }
    }

    private static boolean makesContext(JavaMethod method) {
        return method.getName().matches("new(Client|Server)ContextInternal");
    }

    /** Returns the name of the class for which a substitution stands; that of another class is its own. */
    private static String target(JavaClass type) {
        return type.tryGetAnnotationOfType(TargetClass.class)
                .map(target -> target.className().isEmpty() ? target.value().getName() : target.className())
                .orElse(type.getName());
    }

    private static String signature(JavaCodeUnit code) {
        return code.getName()
                + code.getRawParameterTypes().stream()
                        .map(SubstitutionsTest::target)
                        .collect(Collectors.joining(", ", "(", ")"));
    }
}
