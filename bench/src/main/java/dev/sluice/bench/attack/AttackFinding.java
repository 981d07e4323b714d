package dev.sluice.bench.attack;

import static dev.sluice.bench.process.Page.Column.count;
import static dev.sluice.bench.process.Page.Column.figure;
import static dev.sluice.bench.process.Page.Column.text;
import static dev.sluice.bench.process.Page.millis;

import dev.sluice.bench.account.Balance;
import dev.sluice.bench.process.Check.Finding;
import dev.sluice.bench.process.Page;
import dev.sluice.bench.process.Page.Column;
import dev.sluice.harness.attack.Attack;
import dev.sluice.harness.attack.Attackers.Tally;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import org.HdrHistogram.Histogram;

/**
 * The result of one attack.
 *
 * @param lasted how long the attack lasted
 * @param done the number of units of it
 * @param reactions what the pod counted and answered, by kind and name
 * @param balance of all deliveries that the other clients should have got
 * @param before the others' latencies before the attack, in nanoseconds
 * @param onset their latencies at its beginning
 * @param during their latencies for the rest of it
 * @param residentBefore the pod's memory before, in bytes
 * @param residentAtMost the pod's most memory during the attack, in bytes
 * @param cores of the pod that were busy during the attack
 * @param gone how long after its end nothing of it was left; empty if something was left for too long
 * @param alarms what the pod should not log, and messages that no well-behaved client should get
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

    private static final Column<AttackFinding> NAME = text("attack", finding -> "`" + finding.attack + "`");
    private static final double MEGABYTE = 1 << 20;

    static void write(Page page, List<AttackFinding> findings) {
        page.writeTable(
                        "latencies",
                        findings,
                        List.of(
                                NAME,
                                text("what attackers do", finding -> finding.attack.description()),
                                figure("p99 ms", finding -> millis(finding.during, 99))))
                .writeTable(
                        "clients",
                        findings,
                        List.of(
                                NAME,
                                figure("done by the attackers", AttackFinding::amount),
                                count("deliveries to the others", finding -> finding.balance.expected()),
                                count("lost", finding -> finding.balance.lost()),
                                figure("p50 ms", finding -> finding.change(h -> h.getValueAtPercentile(50))),
                                figure("p99 ms", finding -> finding.change(h -> h.getValueAtPercentile(99))),
                                figure("max ms", finding -> finding.change(Histogram::getMaxValue)),
                                figure(
                                        "onset: p99, max ms",
                                        finding -> millis(finding.onset, 99) + ", " + millis(finding.onset, 100))))
                .writeTable(
                        "pod",
                        findings,
                        List.of(
                                NAME,
                                text("refused", finding -> finding.reactions("refused")),
                                text("disconnected", finding -> finding.reactions("disconnects")),
                                text("authentications failed", finding -> finding.reactions("auth_failures")),
                                text("answers to attackers", finding -> finding.reactions("answers")),
                                figure("CPU", finding -> "%.0f %%".formatted(finding.cores * 100)),
                                figure("RSS MB", AttackFinding::resident),
                                figure("gone after", AttackFinding::goneAfter)));
    }

    private String amount() {
        if (attack == Attack.NONE) {
            return "–";
        }
        return Page.grouped(Math.round(done / (lasted.toNanos() / 1e9))) + " " + attack.unit() + "/s";
    }

    private String reactions(String kind) {
        String counts = reactions.entrySet().stream()
                .filter(reaction -> reaction.getKey().startsWith(kind + " "))
                .map(reaction ->
                        "`" + reaction.getKey().substring(kind.length() + 1) + "` " + Page.grouped(reaction.getValue()))
                .collect(Collectors.joining(", "));
        return counts.isEmpty() ? "–" : counts;
    }

    private String change(ToDoubleFunction<Histogram> of) {
        return millis(of.applyAsDouble(before)) + " → " + millis(of.applyAsDouble(during));
    }

    private String resident() {
        return String.format(Locale.ROOT, "%.0f → %.0f", residentBefore / MEGABYTE, residentAtMost / MEGABYTE);
    }

    private String goneAfter() {
        return gone.map(Page::seconds).orElse("never");
    }

    @Override
    public String summary() {
        return "%s; p50 %s, p99 %s, max %s ms (onset %s ms); RSS %s MB; CPU %.0f %%; gone after %s; %s"
                .formatted(
                        amount(),
                        change(h -> h.getValueAtPercentile(50)),
                        change(h -> h.getValueAtPercentile(99)),
                        change(Histogram::getMaxValue),
                        millis(onset, 99),
                        resident(),
                        cores * 100,
                        goneAfter(),
                        reactions);
    }

    @Override
    public List<String> objections() {
        List<String> objections = new ArrayList<>(balance.examples());
        objections.addAll(alarms);
        if (balance.lost() > 0) {
            objections.add(balance.lost() + " deliveries were lost");
        }
        long turnedAway = reactions.getOrDefault("answers " + Tally.TURNED_AWAY, 0L);
        if (turnedAway > 0) {
            objections.add(turnedAway + " new clients were refused before they could authenticate");
        }
        if (!attack.proof().isEmpty() && !reactions.containsKey(attack.proof())) {
            objections.add("the pod shows no sign of it: no " + attack.proof());
        }
        return objections;
    }
}
