package dev.sluice.wire;

import dev.sluice.outbox.Disconnect;
import java.util.ArrayList;
import java.util.List;

/** Records events, and accepts messages when the test says so. */
final class RecordingPeer implements Inbound.Peer {
    final List<String> told = new ArrayList<>();
    boolean takes = true;
    boolean throwsError;

    @Override
    public void text(String message) {
        told.add("text " + message);
        if (throwsError) {
            throw new Error("thrown by the test");
        }
    }

    @Override
    public void binary() {
        told.add("binary");
    }

    @Override
    public void left() {
        told.add("left");
    }

    @Override
    public void failed(Disconnect reason, Throwable cause) {
        told.add(reason.tag());
    }

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
    public void failed(Disconnect reason) {
        told.add(reason.tag());
    }

    @Override
    public void heldTooMany() {
        told.add("held too many");
    }
}
