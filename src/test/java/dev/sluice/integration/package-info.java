/**
 * Tests from outside: a packaged Sluice in a process of its own, a real Redis, real WebSockets. They use nothing of
 * Sluice's code, so they run against whatever was packaged, jar or native.
 */
package dev.sluice.integration;
