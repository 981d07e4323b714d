package dev.sluice.bench.attack;

import dev.sluice.bench.account.Balance;
import dev.sluice.bench.account.Balance.Fate;
import dev.sluice.bench.attack.Attackers.Tally;
import dev.sluice.bench.process.Check.Finding;
import dev.sluice.bench.report.Machine;
import dev.sluice.bench.report.Markdown;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import org.HdrHistogram.Histogram;

/** The attacks as Markdown: a page with what clients noticed, and a file with all figures. */
final class AttackPage {

    private static final String FIGURES = """
            # Attacks: all figures

            Written by `bench/attack`; what the attacks are: [docs/attacks.md](../../docs/attacks.md).

            ${run}

            ## What other clients noticed

            | attack | done by the attackers | deliveries to the others | lost | p50 ms | p99 ms | max ms | onset: p99, max ms |
            |---|--:|--:|--:|--:|--:|--:|--:|
            ${heard}

            Latencies: before → during the attack without its first ten seconds, the onset. **Deliveries**: of the whole trial. **Lost**: missing,
            duplicated or out of order.

            ## What the pod did

            | attack | refused | disconnected | authentications failed | answers to attackers | CPU | RSS MB | gone after |
            |---|---|---|---|---|--:|--:|--:|
            ${pod}

            - **refused**, **disconnected**, **authentications failed**: the pod's [metrics](../../docs/operations.md#metrics), by tag.
            - **answers**: HTTP status (101 is a WebSocket) or close code (1006: no code), if the attacker waited for one.
            - **CPU**: of the pod's core. **RSS**: before → maximum.
            - **gone after**: from the attack's end until the pod's files, connections, users, subscriptions and queues are as before. Attackers
              close nothing, so the pod must.
            """;

    private static final String PAGE = "attacks.md";
    private static final double MEGABYTE = 1 << 20;

    private final Machine machine;
    private final int clients;
    private final List<AttackFinding> findings;

    AttackPage(Machine machine, int clients, List<AttackFinding> findings) {
        this.machine = machine;
        this.clients = clients;
        this.findings = findings;
    }

    String markdown() {
        return Markdown.of(AttackPage.class, PAGE)
                .fill("clients", Integer.toString(clients))
                .fill("run", run())
                .fill("flags", String.join(" ", AttackedPod.FLAGS))
                .fill("latencies", latencies())
                .text();
    }

    /** All figures. */
    String results() {
        return new Markdown(FIGURES)
                .fill("run", run())
                .fill("heard", heard())
                .fill("pod", pod())
                .text();
    }

    private String run() {
        return machine.inWords() + ".";
    }

    private String latencies() {
        return rows(entry -> List.of(
                entry.attack().description(),
                done(entry),
                Markdown.millis(entry.during().getValueAtPercentile(99)),
                Markdown.millis(entry.onset().getValueAtPercentile(99))));
    }

    private String heard() {
        return rows(entry -> List.of(
                done(entry),
                Markdown.number(entry.balance().expected()),
                Markdown.number(entry.lost()),
                change(entry, h -> h.getValueAtPercentile(50)),
                change(entry, h -> h.getValueAtPercentile(99)),
                change(entry, Histogram::getMaxValue),
                Markdown.millis(entry.onset().getValueAtPercentile(99)) + ", "
                        + Markdown.millis(entry.onset().getMaxValue())));
    }

    private String pod() {
        return rows(entry -> List.of(
                reactions(entry, "refused"),
                reactions(entry, "disconnects"),
                reactions(entry, "auth_failures"),
                reactions(entry, "answers"),
                "%.0f %%".formatted(entry.cores() * 100),
                resident(entry),
                gone(entry)));
    }

    private String rows(Function<AttackFinding, List<String>> cells) {
        return findings.stream()
                .map(entry -> "| `" + entry.attack() + "` | " + String.join(" | ", cells.apply(entry)) + " |")
                .collect(Collectors.joining("\n"));
    }

    private static String done(AttackFinding entry) {
        if (entry.attack() == Attack.NONE) {
            return "–";
        }
        double perSecond = entry.done() / (entry.lasted().toNanos() / 1e9);
        return Markdown.number(Math.round(perSecond)) + " " + entry.attack().unit() + "/s";
    }

    private static String reactions(AttackFinding entry, String kind) {
        return entry.reactions().entrySet().stream()
                .filter(reaction -> reaction.getKey().startsWith(kind + " "))
                .map(reaction -> "`" + reaction.getKey().substring(kind.length() + 1) + "` "
                        + Markdown.number(reaction.getValue()))
                .collect(Collectors.collectingAndThen(Collectors.joining(", "), cell -> cell.isEmpty() ? "–" : cell));
    }

    private static String change(AttackFinding entry, ToDoubleFunction<Histogram> of) {
        return Markdown.millis(of.applyAsDouble(entry.before())) + " → "
                + Markdown.millis(of.applyAsDouble(entry.during()));
    }

    private static String resident(AttackFinding entry) {
        return String.format(
                Locale.ROOT, "%.0f → %.0f", entry.residentBefore() / MEGABYTE, entry.residentAtMost() / MEGABYTE);
    }

    private static String gone(AttackFinding entry) {
        return entry.gone().map(Markdown::seconds).orElse("never");
    }

    /**
     * What came of one attack.
     *
     * @param lasted how long it did
     * @param done how many units of it there were
     * @param reactions what the pod counted and answered, by kind and name
     * @param balance of all that the others should have heard
     * @param before how late they heard what was published before the attack, in nanoseconds
     * @param onset the same in the beginning of the attack
     * @param during the same after that, while the attack lasted
     * @param residentBefore the pod's memory before, in bytes
     * @param residentAtMost the same while it lasted
     * @param cores of the pod that were busy while it lasted
     * @param gone how long after its end nothing of it was left; empty where something was for too long
     * @param alarms what the pod or its clients said and never should
     */
    record AttackFinding(
            Attack attack,
            Duration lasted,
            long done,
            Map<String, Long> reactions,
            Balance balance,
            Histogram before,
            Histogram onset,
            Histogram during,
            long residentBefore,
            long residentAtMost,
            double cores,
            Optional<Duration> gone,
            List<String> alarms)
            implements Finding {

        @Override
        public String summary() {
            return "%s; p50 %s, p99 %s, max %s ms (onset %s ms); RSS %s MB; CPU %.0f %%; gone after %s; %s"
                    .formatted(
                            AttackPage.done(this),
                            change(this, h -> h.getValueAtPercentile(50)),
                            change(this, h -> h.getValueAtPercentile(99)),
                            change(this, Histogram::getMaxValue),
                            Markdown.millis(onset, 99),
                            resident(this),
                            cores * 100,
                            AttackPage.gone(this),
                            reactions);
        }

        @Override
        public List<String> objections() {
            List<String> objections = new ArrayList<>(balance.examples());
            objections.addAll(alarms);
            if (lost() > 0) {
                objections.add(lost() + " deliveries were lost");
            }
            long turnedAway = reactions.getOrDefault("answers " + Tally.TURNED_AWAY, 0L);
            if (turnedAway > 0) {
                objections.add(turnedAway + " newcomers were turned away before they could authenticate");
            }
            if (!attack.proof().isEmpty() && !reactions.containsKey(attack.proof())) {
                objections.add("the pod shows no sign of it: no " + attack.proof());
            }
            return objections;
        }

        long lost() {
            return balance.expected() - balance.count(Fate.DELIVERED);
        }
    }
}
