package dev.sluice.bench.ledger;

import dev.sluice.bench.account.Balance;
import dev.sluice.bench.account.Balance.Fate;
import dev.sluice.bench.account.Timing;
import java.util.ArrayList;
import java.util.List;

/**
 * What came of one fault.
 *
 * @param publications that were sent to Redis
 * @param surprises what was said to clients and never should be
 */
record Entry(Fault fault, int publications, Balance balance, Timing timing, List<String> surprises) {

    /** What must not be, in words; empty where all is well. */
    List<String> objections() {
        List<String> objections = new ArrayList<>(balance.examples());
        objections.addAll(surprises);
        if (timing.recovery().isEmpty()) {
            objections.add("it did not recover");
        }
        long lost = balance.expected() - balance.count(Fate.DELIVERED);
        if (fault.kind() == Fault.Kind.HARMLESS && lost > 0) {
            objections.add(lost + " deliveries were lost where nothing may be");
        }
        return objections;
    }
}
