package dev.sluice.bench.ledger;

import dev.sluice.bench.account.Audit;
import dev.sluice.bench.account.Balance;
import dev.sluice.bench.account.Publications;
import dev.sluice.bench.account.Time;
import dev.sluice.bench.account.Timing;
import dev.sluice.bench.process.Waiting;
import dev.sluice.bench.site.RedisControl;
import dev.sluice.bench.site.Site;
import dev.sluice.bench.traffic.Load;
import dev.sluice.bench.traffic.Traffic;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;

/** Lets one fault strike while publications flow, and audits what came of it. */
final class Trial {

    private static final Duration CALM = Duration.ofSeconds(3);

    /** After which all that a fault does to a pod has begun to show. */
    private static final Duration REACTION = Duration.ofSeconds(3);

    /** For how long publications flow after everything is well again; longer than telling of a gap is spread over. */
    private static final Duration AFTERMATH = Duration.ofSeconds(4);

    /** Until everything has arrived that has been published; there is nothing to see where something never will. */
    private static final Duration SETTLING = Duration.ofSeconds(10);

    /** How long nothing may come any more before it is believed that nothing does. */
    private static final Duration SURPLUS_WAIT = Duration.ofMillis(500);

    /** Four seconds without a beat, two over which clients are told, and two for everything else. */
    private static final Duration TOLD_WITHIN = Duration.ofSeconds(8);

    private Trial() {}

    static Entry run(Fault fault, Load usual, long seed, Path jar, Path logs) {
        Random random = new Random(seed + fault.ordinal());
        try (Site site = Site.start(jar, logs);
                RedisControl control = site.control();
                Traffic traffic = new Traffic(fault.load(usual), site.entrance(), site::redisAddress, random)) {
            traffic.open();
            traffic.publish();
            Waiting.sleep(CALM);
            long begin = Time.now();
            fault.strike(new Scene(site, traffic, control));
            long from = fault.kind() == Fault.Kind.PASSING ? begin : Time.now();
            Waiting.sleep(REACTION);
            Waiting.until("everything", () -> site.isReady() && traffic.isEverybodySubscribed());
            Waiting.sleep(AFTERMATH);
            traffic.stopPublishing();
            settle(traffic);
            List<String> surprises = traffic.surprises();
            return traffic.books((published, clients) -> new Entry(
                    fault,
                    published.values().stream().mapToInt(Publications::count).sum(),
                    Audit.of(published, clients, TOLD_WITHIN),
                    Timing.of(published, clients, begin, from),
                    surprises));
        }
    }

    private static void settle(Traffic traffic) {
        long deadline = System.nanoTime() + SETTLING.toNanos();
        while (!audit(traffic).isClean() && System.nanoTime() < deadline) {
            Waiting.sleep(SURPLUS_WAIT);
        }
        Waiting.sleep(SURPLUS_WAIT);
    }

    private static Balance audit(Traffic traffic) {
        return traffic.books((published, clients) -> Audit.of(published, clients, TOLD_WITHIN));
    }
}
