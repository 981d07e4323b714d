package dev.sluice.bench.rollout;

import dev.sluice.bench.account.Time;
import dev.sluice.bench.process.Waiting;
import dev.sluice.bench.rollout.RolloutPage.Outcome;
import dev.sluice.bench.site.Site;
import dev.sluice.bench.site.Update;
import dev.sluice.bench.site.Update.Replacement;
import dev.sluice.bench.traffic.Load;
import dev.sluice.bench.traffic.SluiceProtocol;
import dev.sluice.bench.traffic.Traffic;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;

/** Updates while clients are connected and publications flow, and closes the books. */
final class Rehearsal {

    /** What new processes and newly come clients cost belongs to neither before nor meanwhile. */
    private static final Duration WARM_UP = Duration.ofSeconds(10);

    private static final Duration CALM = Duration.ofSeconds(5);

    /** For how long publications flow after everybody is back. */
    private static final Duration AFTERMATH = Duration.ofSeconds(3);

    private Rehearsal() {}

    static Outcome run(int pods, int clients, long seed, Path jar, Path logs) {
        try (Site site = Site.start(Update.plan(pods), jar, logs);
                Traffic traffic = new Traffic(
                        Load.crowd(clients),
                        List.of(SluiceProtocol.V2),
                        site.entrance(),
                        site::redisAddress,
                        new Random(seed))) {
            traffic.open();
            traffic.publish();
            Waiting.sleep(WARM_UP);
            long calm = Time.now();
            Waiting.sleep(CALM);
            int surprisesBefore = traffic.surprises().size();
            long begin = Time.now();
            List<Replacement> replacements = new Update(site).run();
            long end = Time.now();
            Waiting.until("everybody", traffic::isEverybodySubscribed);
            Waiting.sleep(AFTERMATH);
            traffic.finish();
            List<String> surprises = traffic.surprises();
            List<String> surprisesMeanwhile = surprises.subList(surprisesBefore, surprises.size());
            return traffic.books(books -> new Outcome(
                    replacements,
                    books.publications(),
                    books.audit(true),
                    books.absences(begin, Time.now()),
                    books.latencies(calm, begin),
                    books.latencies(begin, end),
                    surprisesMeanwhile));
        }
    }
}
