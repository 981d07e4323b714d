package dev.sluice.console;

import java.util.List;

/**
 * What a watcher receives: first everything, then only what is new.
 *
 * @param ends connections that have ended
 */
record Update(PodInfo facts, List<Sample> samples, List<ClosedConnection> ends) {}
