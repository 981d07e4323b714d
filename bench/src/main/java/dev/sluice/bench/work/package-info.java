/** What contenders are given to do, and what is measured of it. */
package dev.sluice.bench.work;
