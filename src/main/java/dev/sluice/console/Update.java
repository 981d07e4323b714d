package dev.sluice.console;

import java.util.List;

/**
 * The data for a viewer: first everything, then only changes.
 *
 * @param ends closed connections
 */
record Update(PodInfo facts, List<Sample> samples, List<ClosedConnection> ends) {}
