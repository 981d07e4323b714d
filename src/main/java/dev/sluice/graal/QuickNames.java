package dev.sluice.graal;

import com.oracle.svm.core.annotate.Alias;
import com.oracle.svm.core.annotate.Substitute;
import com.oracle.svm.core.annotate.TargetClass;
import io.quarkus.runtime.configuration.PropertiesUtil;
import io.smallrye.config.NameIterator;
import io.smallrye.config.PropertyName;

/**
 * Compares names of properties by few characters where these decide. In an executable, which has no profile of its calls, a look at each
 * character took a sixth of the start.
 */
final class QuickNames {

    private QuickNames() {}

    /** Returns where the segment after a position ends; -1 if quotes or backslashes decide. */
    static int end(String name, int position) {
        if (position >= name.length() || name.indexOf('"') >= 0 || name.indexOf('\\') >= 0) {
            return -1;
        }
        int end = name.indexOf('.', position + 1);
        return end < 0 ? name.length() : end;
    }

    /** Whether two segments differ, by their last characters; only a star matches another text. */
    static boolean differ(String one, int end, String other, int otherEnd) {
        if (end < 1 || otherEnd < 1) {
            return false;
        }
        char last = one.charAt(end - 1);
        char otherLast = other.charAt(otherEnd - 1);
        return last != otherLast && last != '*' && otherLast != '*';
    }

    /** SmallRye walks through the segments of each name that is looked up. */
    @TargetClass(NameIterator.class)
    static final class Iterator {

        @Alias
        private String name;

        @Alias
        private int pos;

        @Alias
        private native int initIteration();

        @Alias
        private native int nextPos(int cookie);

        @Alias
        private native boolean isSegmentDelimiter(int cookie);

        @Alias
        private static native int getPosition(int cookie);

        @Substitute
        public int getNextEnd() {
            int end = end(name, pos);
            if (end >= 0) {
                return end;
            }
            int cookie = initIteration();
            do {
                cookie = nextPos(cookie);
            } while (!isSegmentDelimiter(cookie));
            return getPosition(cookie);
        }
    }

    /** SmallRye compares each segment with all that a default's name may have there. */
    @TargetClass(PropertyName.class)
    static final class Names {

        @Alias
        private static native boolean equalsInternal(
                String name, int offset, int len, String other, int ooffset, int olen);

        @Substitute
        public static boolean equals(String name, int offset, int len, String other, int ooffset, int olen) {
            if (len > 0 && olen > 0 && differ(name, offset + len, other, ooffset + olen)) {
                return false;
            }
            return equalsInternal(name, offset, len, other, ooffset, olen)
                    || equalsInternal(other, ooffset, olen, name, offset, len);
        }
    }

    /** To warn of unknown properties, Quarkus compares each name with all known ones. */
    @TargetClass(PropertiesUtil.class)
    static final class Known {

        @Substitute
        public static boolean isMapped(io.quarkus.runtime.configuration.NameIterator name, String mapped) {
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
}
