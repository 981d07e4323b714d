/** The benchmarks' command: who does what how often. It joins the packages below, which know nothing of it. */
package dev.sluice.bench;
