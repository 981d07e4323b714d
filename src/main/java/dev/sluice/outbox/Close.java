package dev.sluice.outbox;

/**
 * How a socket is closed.
 *
 * @param code tells the client's code why, as the client's protocol has it
 * @param reason tells people; at most 123 bytes
 */
public record Close(int code, String reason) {}
