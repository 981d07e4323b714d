/** What a service runs on, and what can happen to it: Redis, the links to it, pods, and a balancer before them. */
package dev.sluice.bench.site;
