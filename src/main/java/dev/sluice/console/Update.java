package dev.sluice.console;

import java.util.List;

/**
 * What is told to somebody who watches: all there is to begin with, then what is new.
 *
 * @param ends connections that have ended
 */
record Update(PodInfo facts, List<Sample> samples, List<ClosedConnection> ends) {}
