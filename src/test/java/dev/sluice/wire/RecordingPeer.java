package dev.sluice.wire;

import java.util.ArrayList;
import java.util.List;

/** Records what it is told, and takes messages as the test says. */
final class RecordingPeer implements Inbound.Peer {
    final List<String> told = new ArrayList<>();
    boolean takes = true;

    @Override
    public void heard() {}

    @Override
    public boolean takesMessage() {
        return takes;
    }

    @Override
    public void pinged(byte[] bytes) {
        told.add("ping of " + bytes.length);
    }

    @Override
    public void flooded() {
        told.add("flooded");
    }

    @Override
    public void heldTooMany() {
        told.add("held too many");
    }

    @Override
    public void inboundFull() {
        told.add("inbound full");
    }

    @Override
    public void reset() {
        told.add("reset");
    }
}
