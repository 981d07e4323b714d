package dev.sluice.health;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MemoryMetersTest {

    private static final long MEGABYTE = 1024 * 1024;

    @TempDir
    Path root;

    private MemoryMeters meters;

    @BeforeEach
    void machineOfEightGigabytes() throws IOException {
        meters = new MemoryMeters(root);
        write("proc/meminfo", "MemTotal:        8388608 kB\nMemFree:         1234567 kB\n");
        write("proc/self/status", "Name:\tjava\nVmHWM:\t  400000 kB\nVmRSS:\t  204800 kB\nRssAnon:\t  100000 kB\n");
    }

    @Test
    void residentMemoryIsReadFromTheKernel() {
        assertThat(meters.resident()).hasValue(200 * MEGABYTE);
    }

    @Test
    void limitIsReadFromTheContainersGroup() throws IOException {
        write("proc/self/cgroup", "0::/\n");
        write("sys/fs/cgroup/memory.max", "1073741824\n");
        assertThat(meters.limit()).hasValue(1024 * MEGABYTE);
    }

    @Test
    void lowestLimitOfAllParentGroupsApplies() throws IOException {
        write("proc/self/cgroup", "0::/kubepods/pod1/container\n");
        write("sys/fs/cgroup/kubepods/pod1/container/memory.max", "max\n");
        write("sys/fs/cgroup/kubepods/pod1/memory.max", "536870912\n");
        write("sys/fs/cgroup/kubepods/memory.max", "6442450944\n");
        assertThat(meters.limit()).hasValue(512 * MEGABYTE);
    }

    @Test
    void cgroupV1LimitIsReadAtTheTopOfTheMount() throws IOException {
        write("proc/self/cgroup", "12:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n1:name=systemd:/docker/abc\n");
        write("sys/fs/cgroup/memory/memory.limit_in_bytes", "268435456\n");
        assertThat(meters.limit()).hasValue(256 * MEGABYTE);
    }

    @Test
    void withoutALimitTheMachinesMemoryIsTheLimit() throws IOException {
        assertThat(meters.limit()).hasValue(8192 * MEGABYTE);
        write("proc/self/cgroup", "4:memory:/\n0::/\n");
        write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        write("sys/fs/cgroup/memory.max", "max\n");
        assertThat(meters.limit()).hasValue(8192 * MEGABYTE);
    }

    @Test
    void unreadableLimitIsIgnored() throws IOException {
        write("proc/self/cgroup", "nonsense\n0:memory\n4:memory:/a\n");
        for (String limit :
                new String[] {"", "-1\n", "9999999999999999999\n", "1e9\n", "12 34\n", "x".repeat(100_000)}) {
            write("sys/fs/cgroup/memory/a/memory.limit_in_bytes", limit);
            assertThat(meters.limit()).as(limit).hasValue(8192 * MEGABYTE);
        }
    }

    @Test
    void withoutLinuxOnlyTheHeapIsMeasured() throws IOException {
        MeterRegistry metrics = new SimpleMeterRegistry();
        new MemoryMeters(root.resolve("nowhere")).bindTo(metrics);
        assertThat(metrics.getMeters())
                .extracting(meter -> meter.getId().getName())
                .containsExactly("sluice.heap.max");
        metrics.clear();
        meters.bindTo(metrics);
        assertThat(metrics.getMeters())
                .hasSize(3)
                .allSatisfy(meter ->
                        assertThat(meter.measure().iterator().next().getValue()).isPositive());
    }

    private void write(String file, String content) throws IOException {
        Path path = root.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, content);
    }
}
