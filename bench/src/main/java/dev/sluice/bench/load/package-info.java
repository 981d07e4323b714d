/** The client side of a trial: those who publish and those who receive, on one event loop that makes no objects per message. */
package dev.sluice.bench.load;
