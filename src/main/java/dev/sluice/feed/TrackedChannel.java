package dev.sluice.feed;

import java.util.ArrayList;
import java.util.List;

/** A channel to which this pod subscribes by name, or is about to. Confined to the feed's thread. */
final class TrackedChannel {

    /** How far its subscription is on the present connection. */
    enum State {
        /** It waits for a command. */
        WAITING,
        /** The command was sent. */
        SENT,
        /** Redis has acknowledged. */
        HELD
    }

    private final String name;

    /** Where it is subscribed to; another one after a move. */
    private ChannelSubscriptions owner;

    private State state = State.WAITING;

    /** Whether it has listeners. */
    private boolean wanted;

    /** The requests that were answered and whose listeners may not be known yet, and those that wait. */
    private int reserved;

    /** Whether the start of the connection waits for it. */
    private boolean initial;

    /** Whether a tick has followed the acknowledgement. */
    private boolean counted;

    /** When it ends, unless it gets listeners; in {@link Time#nanos}. */
    private long lingersUntil;

    private List<ChannelRequest> requests = new ArrayList<>(1);

    TrackedChannel(String name, ChannelSubscriptions owner) {
        this.name = name;
        this.owner = owner;
    }

    String name() {
        return name;
    }

    ChannelSubscriptions owner() {
        return owner;
    }

    State state() {
        return state;
    }

    void enter(State next) {
        state = next;
    }

    boolean isHeld() {
        return state == State.HELD;
    }

    void setWanted(boolean hasListeners) {
        wanted = hasListeners;
    }

    void reserve() {
        reserved++;
    }

    void release() {
        reserved--;
    }

    /** Whether it has no listeners, and no request whose listeners may follow. */
    boolean isIdle() {
        return !wanted && reserved == 0;
    }

    void delayStart() {
        initial = true;
    }

    /** Returns whether the start waited for it until now. */
    boolean stopDelayingStart() {
        boolean before = initial;
        initial = false;
        return before;
    }

    boolean isCounted() {
        return counted;
    }

    void count() {
        counted = true;
    }

    long lingersUntil() {
        return lingersUntil;
    }

    void lingerUntil(long nanos) {
        lingersUntil = nanos;
    }

    /** The request waits for it from now on. */
    void addRequest(ChannelRequest request) {
        requests.add(request);
    }

    boolean isAwaited() {
        return !requests.isEmpty();
    }

    /** Returns the requests that waited for it until now. */
    List<ChannelRequest> takeRequests() {
        List<ChannelRequest> taken = requests;
        requests = new ArrayList<>(1);
        return taken;
    }

    /** It must be subscribed to again, on that owner's connection. Requests continue to wait. */
    void reset(ChannelSubscriptions next) {
        owner = next;
        state = State.WAITING;
        initial = false;
        counted = false;
    }
}
