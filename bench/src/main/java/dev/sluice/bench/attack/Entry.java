package dev.sluice.bench.attack;

import dev.sluice.bench.account.Balance;
import dev.sluice.bench.account.Balance.Fate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.HdrHistogram.Histogram;

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
record Entry(
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
        List<String> alarms) {

    /** What must not be, in words; empty where all is well. */
    List<String> objections() {
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
