package dev.sluice.console;

import java.util.List;

/**
 * The data for a watcher: first everything, then only news.
 *
 * @param ends connections that have ended
 */
record Update(PodInfo facts, List<Sample> samples, List<ClosedConnection> ends) {}
