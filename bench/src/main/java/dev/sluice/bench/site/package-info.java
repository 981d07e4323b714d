/** What a service runs on, and what can happen to it: Redis, the links to it, two pods, and a balancer before them. */
package dev.sluice.bench.site;
