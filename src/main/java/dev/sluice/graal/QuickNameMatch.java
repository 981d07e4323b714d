package dev.sluice.graal;

import com.oracle.svm.core.annotate.Substitute;
import com.oracle.svm.core.annotate.TargetClass;
import io.quarkus.runtime.configuration.NameIterator;
import io.quarkus.runtime.configuration.PropertiesUtil;
import io.smallrye.config.PropertyName;

/**
 * Looks at first characters before it compares a segment of a property's name with that of a known one. To warn of unknown properties,
 * Quarkus compares each name with all known ones, which took 10 % of an executable's start.
 */
@TargetClass(PropertiesUtil.class)
final class QuickNameMatch {

    @Substitute
    public static boolean isMapped(NameIterator name, String mapped) {
        String property = name.getName();
        int start = name.getPosition() + 1;
        if (start < property.length() && !mapped.isEmpty()) {
            char one = property.charAt(start);
            char other = mapped.charAt(0);
            if (one != other && one != '*' && other != '*') {
                return false;
            }
        }
        int end = name.getNextEnd();
        int length = end == 0 ? property.length() : end - start;
        return PropertyName.equals(property, start, length, mapped, 0, mapped.length());
    }
}
