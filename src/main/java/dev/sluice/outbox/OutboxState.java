package dev.sluice.outbox;

/**
 * What waits in an outbox.
 *
 * @param waitingBytes the bytes of memory of everything that the client has not taken
 * @param held the sequence of the publication of the channel that is held back; 0 if there is none
 * @param replaced how many publications before it are dropped
 * @param lastReplacing the sequence of the newest publication, of any channel, that ever replaced an older one
 */
public record OutboxState(long waitingBytes, long held, int replaced, long lastReplacing) {}
