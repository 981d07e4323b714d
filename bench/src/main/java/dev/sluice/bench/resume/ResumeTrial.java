package dev.sluice.bench.resume;

import dev.sluice.bench.account.Time;
import dev.sluice.bench.process.Server;
import dev.sluice.bench.process.Waiting;
import dev.sluice.bench.resume.ResumePage.Result;
import dev.sluice.bench.traffic.Jitter;
import dev.sluice.bench.traffic.Load;
import dev.sluice.bench.traffic.Traffic;
import dev.sluice.harness.Redis;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/**
 * Lets the network of one server's clients jitter, and closes the books.
 *
 * @param quick little time, to see that everything works
 */
record ResumeTrial(Contestant contestant, Jitter jitter, int clients, long seed, boolean quick) {

    private Duration warmUp() {
        return Duration.ofSeconds(quick ? 2 : 10);
    }

    private Duration length() {
        return Duration.ofSeconds(quick ? 10 : TimeUnit.MINUTES.toSeconds(1));
    }

    /** Redis and the server are running. */
    Result run(Redis redis, Server server) {
        try (Traffic traffic = new Traffic(
                Load.modest(clients),
                List.of(contestant.protocol()),
                server.address(),
                redis::address,
                new Random(seed))) {
            traffic.open();
            traffic.publish();
            Waiting.sleep(warmUp());
            long begin = Time.now();
            long cpu = server.process().cpuNanos();
            long redisCpu = redis.process().cpuNanos();
            traffic.beginJitter(jitter);
            Waiting.sleep(length());
            traffic.endJitter();
            long end = Time.now();
            long cpuMeanwhile = server.process().cpuNanos() - cpu;
            long redisCpuMeanwhile = redis.process().cpuNanos() - redisCpu;
            Waiting.until("everybody", traffic::isEverybodySubscribed);
            traffic.finish();
            List<String> surprises = traffic.surprises();
            return traffic.books(books -> new Result(
                    contestant,
                    jitter,
                    books.arrivals(begin, end),
                    books.latencies(begin, end),
                    books.liveLatencies(begin, end),
                    books.absences(begin, end).lengths().getTotalCount(),
                    books.audit(contestant.protocol().resumes()),
                    Duration.ofNanos(cpuMeanwhile),
                    Duration.ofNanos(redisCpuMeanwhile),
                    surprises));
        }
    }
}
