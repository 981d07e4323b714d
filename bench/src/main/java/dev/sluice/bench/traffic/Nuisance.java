package dev.sluice.bench.traffic;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import java.util.Collection;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;

/** A client that behaves badly, once. */
final class Nuisance extends Conversation {

    /** In what way. */
    public enum Kind {
        /** Resets its connection a moment after it has subscribed. */
        RESETS,
        /** Subscribes, and never reads. */
        STALLS,
        /** Says what means nothing. */
        TALKS_RUBBISH
    }

    private static final int LONGEST_STAY_MILLIS = 200;
    private static final int RUBBISH_MESSAGES = 20;
    private static final int RUBBISH_BYTES = 40 * 1024;

    private final Kind kind;
    private final String user;
    private final Collection<String> channels;
    private final RandomGenerator random;
    private Channel channel;

    Nuisance(Kind kind, String user, Collection<String> channels, RandomGenerator random) {
        this.kind = kind;
        this.user = user;
        this.channels = channels;
        this.random = random;
    }

    @Override
    void opened(Channel opened) {
        channel = opened;
        switch (kind) {
            case RESETS -> {
                subscribe();
                leaveSoon();
            }
            case STALLS -> {
                subscribe();
                channel.config().setAutoRead(false);
            }
            case TALKS_RUBBISH -> {
                if (random.nextBoolean()) {
                    subscribe();
                }
                for (int i = 0; i < RUBBISH_MESSAGES; i++) {
                    babble();
                }
                leaveSoon();
            }
        }
    }

    @Override
    void heard(String message) {
        // It does not care.
    }

    @Override
    void ended(String how) {
        // It does not come back; others do.
    }

    /** The trial is over. */
    void leave() {
        if (channel != null) {
            channel.close();
        }
    }

    private void subscribe() {
        say(Phrases.auth(user));
        channels.forEach(name -> say(Phrases.subscribe(name)));
    }

    private void leaveSoon() {
        channel.eventLoop().schedule(this::leave, random.nextLong(LONGEST_STAY_MILLIS), TimeUnit.MILLISECONDS);
    }

    private void babble() {
        byte[] noise = new byte[random.nextInt(RUBBISH_BYTES)];
        random.nextBytes(noise);
        switch (random.nextInt(5)) {
            case 0 -> channel.writeAndFlush(new BinaryWebSocketFrame(Unpooled.wrappedBuffer(noise)));
            case 1 -> channel.writeAndFlush(new TextWebSocketFrame(Unpooled.wrappedBuffer(noise)));
            case 2 -> say("[".repeat(random.nextInt(1000)));
            case 3 -> say("{\"action\":\"subscribe\",\"channel\":\"nothing:" + random.nextInt() + "\"}");
            default -> channel.pipeline().firstContext().writeAndFlush(Unpooled.wrappedBuffer(noise));
        }
    }

    private void say(String text) {
        channel.writeAndFlush(new TextWebSocketFrame(text));
    }
}
