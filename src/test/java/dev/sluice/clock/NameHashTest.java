package dev.sluice.clock;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class NameHashTest {

    @Test
    void dependsOnEveryByte() {
        byte[] name = "upload:0123456789".getBytes(US_ASCII);
        List<Integer> hashes = new ArrayList<>(List.of(NameHash.of(name, name.length)));
        for (int i = 0; i < name.length; i++) {
            byte[] other = name.clone();
            other[i] ^= 1;
            hashes.add(NameHash.of(other, name.length));
            hashes.add(NameHash.of(name, i));
        }
        assertThat(hashes).doesNotHaveDuplicates();
    }

    /** Random hashes of 100,000 names would fill 78 % of 65,536 buckets. */
    @Test
    void successiveNamesFillTheBucketsOfAMap() {
        for (String prefix : List.of("user:", "upload:", "a:", "notification:tenant-7/")) {
            Set<Integer> buckets = new HashSet<>();
            for (int i = 0; i < 100_000; i++) {
                byte[] name = (prefix + i).getBytes(US_ASCII);
                int hash = NameHash.of(name, name.length);
                buckets.add((hash ^ hash >>> 16) & 0xFFFF);
            }
            assertThat(buckets.size()).as(prefix).isGreaterThan(65_536 * 7 / 10);
        }
    }
}
