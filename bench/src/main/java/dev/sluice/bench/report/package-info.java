/** Results: raw, as tables, and as a picture. */
package dev.sluice.bench.report;
