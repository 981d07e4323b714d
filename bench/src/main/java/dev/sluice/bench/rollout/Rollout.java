package dev.sluice.bench.rollout;

import dev.sluice.bench.account.Books;
import dev.sluice.bench.process.Check;
import dev.sluice.bench.trial.Protocol.SluiceProtocol;
import dev.sluice.bench.trial.RollingUpdate;
import dev.sluice.bench.trial.RollingUpdate.Replacement;
import dev.sluice.bench.trial.Site;
import dev.sluice.bench.trial.Traffic;
import dev.sluice.bench.trial.Traffic.Load;
import dev.sluice.bench.trial.Watchers;
import dev.sluice.harness.Waiting;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Rehearses a rolling update with clients, and writes what they notice. bench/rollout starts it. */
@Command(
        name = "bench/rollout",
        description = {
            "Replaces pods behind a balancer one by one, as a Deployment does, while 2,000 clients listen, and writes"
                    + " bench/results/results.md in about two minutes. Needs HAProxy.",
            "Fails if a client lost something, got something twice or out of order, or saw any error: anything but a"
                    + " close with 1012."
        })
public final class Rollout extends Check<UpdateFinding> {

    private static final int FULL_PODS = 3;
    private static final int QUICK_PODS = 2;

    /** The cost of new processes and new clients counts neither before the update nor during it. */
    private static final Duration WARM_UP = Duration.ofSeconds(10);

    private static final Duration CALM = Duration.ofSeconds(5);

    @Option(
            names = "--pods",
            paramLabel = "N",
            description = "how many pods (default: 3); with another number, the results go to bench/target")
    private Integer pods;

    public Rollout() {
        super(2000, 200, 5000);
    }

    public static void main(String[] arguments) {
        start(new Rollout(), arguments);
    }

    @Override
    protected void validate() {
        super.validate();
        pods = number("--pods", pods, 1, 10, quick ? QUICK_PODS : FULL_PODS);
    }

    @Override
    protected Map<String, Writer<UpdateFinding>> pages() {
        return Map.of(RESULTS, UpdateFinding::write);
    }

    @Override
    protected boolean run() throws IOException {
        System.out.printf("replacing %d pods under %,d clients%n", pods, clients());
        List<UpdateFinding> findings =
                attempt("update", this::rehearse).stream().toList();
        return publish(findings, pods == FULL_PODS, "no client was harmed", "A CLIENT WAS HARMED");
    }

    /** Replaces the pods while publications flow, and audits the clients. */
    private UpdateFinding rehearse(Path logs) {
        Load load = Load.crowd(clients());
        try (Site site = Site.start(RollingUpdate.plan(pods), jar(), logs);
                Watchers watchers = new Watchers(site.entrance(), load.members(), new Random(seed));
                Traffic traffic = new Traffic(load, List.of(SluiceProtocol.V2), site, new Random(seed))) {
            traffic.open();
            watchers.open();
            traffic.publish();
            Waiting.sleep(WARM_UP);
            long calm = Books.now();
            Waiting.sleep(CALM);
            traffic.forgetSurprises();
            long begin = Books.now();
            watchers.leave();
            List<Replacement> replacements = new RollingUpdate(site).run();
            long end = Books.now();
            Waiting.until("everybody", traffic::areAllSubscribed);
            watchers.settle();
            traffic.finish();
            return traffic.books(books -> UpdateFinding.of(books, calm, begin, end, replacements, watchers.told()));
        }
    }
}
