package dev.sluice.fleet;

import java.time.Instant;

/**
 * What a pod last told the others of itself.
 *
 * @param pod its name
 * @param started when it started
 * @param told when it told this, by its own clock
 * @param connections the number of its authenticated connections
 * @param users the number of their users
 * @param gaps the number of gaps of its feed
 * @param live whether its subscription to Redis is live
 */
public record Member(
        String pod,
        String version,
        Instant started,
        Instant told,
        long connections,
        long users,
        long gaps,
        boolean live) {}
