package dev.sluice.bench.ledger;

import dev.sluice.bench.account.Time;
import dev.sluice.bench.ledger.Fault.Scene;
import dev.sluice.bench.ledger.LedgerPage.Entry;
import dev.sluice.bench.process.Waiting;
import dev.sluice.bench.site.Site;
import dev.sluice.bench.site.Site.Plan;
import dev.sluice.bench.traffic.Load;
import dev.sluice.bench.traffic.SluiceProtocol;
import dev.sluice.bench.traffic.Traffic;
import dev.sluice.harness.Redis;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Lets one fault strike while publications flow, and audits what came of it. */
final class FaultTrial {

    private static final Map<String, String> SETTINGS = Map.of("SLUICE_DRAIN_DELAY", "2s", "SLUICE_DRAIN_PERIOD", "3s");

    private static final List<SluiceProtocol> PROTOCOLS = List.of(SluiceProtocol.V1, SluiceProtocol.V2);

    private static final Duration CALM = Duration.ofSeconds(3);

    /** After which all that a fault does to a pod has begun to show. */
    private static final Duration REACTION = Duration.ofSeconds(3);

    /** For how long publications flow after everything is well again; longer than telling of a gap is spread over. */
    private static final Duration AFTERMATH = Duration.ofSeconds(4);

    private FaultTrial() {}

    static Entry run(Fault fault, Load usual, long seed, Path jar, Path logs) {
        Random random = new Random(seed + fault.ordinal());
        Plan plan = new Plan(2, fault.spares(), SETTINGS);
        try (Site site = Site.start(plan, jar, logs);
                Redis.Admin control = site.control();
                Traffic traffic =
                        new Traffic(fault.load(usual), PROTOCOLS, site.entrance(), site::redisAddress, random)) {
            traffic.open();
            traffic.publish();
            Waiting.sleep(CALM);
            long begin = Time.now();
            fault.strike(new Scene(site, traffic, control));
            long from = fault.kind() == Fault.Kind.PASSING ? begin : Time.now();
            Waiting.sleep(REACTION);
            Waiting.until("everything", () -> site.isReady() && traffic.isEverybodySubscribed());
            Waiting.sleep(AFTERMATH);
            traffic.finish();
            List<String> surprises = traffic.surprises();
            return traffic.books(books -> new Entry(
                    fault,
                    books.publications(),
                    books.audit(false),
                    books.audit(true),
                    books.timing(begin, from),
                    surprises));
        }
    }
}
