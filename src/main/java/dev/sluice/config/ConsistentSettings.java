package dev.sluice.config;

import static dev.sluice.config.InRange.Validator.text;

import dev.sluice.route.Access;
import dev.sluice.route.Audience;
import dev.sluice.route.Retain;
import dev.sluice.route.Routes;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.quarkus.runtime.configuration.MemorySize;
import jakarta.validation.Constraint;
import jakarta.validation.ConstraintValidator;
import jakarta.validation.ConstraintValidatorContext;
import jakarta.validation.Payload;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.math.BigInteger;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Validates what {@link InRange} can't express: relations between settings, and the format of names, URLs and the
 * secret.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Constraint(validatedBy = ConsistentSettings.Validator.class)
public @interface ConsistentSettings {

    /** Not used: the validator makes the messages. */
    String message() default "";

    /** Not used. */
    Class<?>[] groups() default {};

    /** Not used. */
    Class<? extends Payload>[] payload() default {};

    /** Validates the whole configuration. */
    @RegisterForReflection
    final class Validator implements ConstraintValidator<ConsistentSettings, SluiceConfig> {

        private static final int MIN_SECRET_BYTES = 32;

        /** Hibernate Validator calls this by reflection. */
        public Validator() {}

        @Override
        public boolean isValid(SluiceConfig config, ConstraintValidatorContext context) {
            List<String> problems = new ArrayList<>();
            config.routes().forEach((prefix, route) -> checkRoute(prefix, route, config.webhook(), problems));
            checkSizes(config, problems);
            checkBackoff(config.feed().backoff(), problems);
            checkUrl("sluice.webhook.url", config.webhook().url(), problems);
            checkUrl("sluice.webhook.connect.url", config.webhook().connectUrl(), problems);
            config.control().secret().ifPresent(secret -> checkSecret(secret, problems));
            context.disableDefaultConstraintViolation();
            problems.forEach(problem -> context.buildConstraintViolationWithTemplate(escape("settings: " + problem))
                    .addConstraintViolation());
            return problems.isEmpty();
        }

        private static void checkRoute(String prefix, RouteConfig route, WebhookConfig webhook, List<String> problems) {
            String key = "sluice.routes." + prefix;
            if (!Routes.isPrefix(prefix)) {
                problems.add(key + ": a prefix must be 1 to 64 letters, digits, '-' or '_'; 'sluice' is reserved");
            }
            if (route.source().readsStreams() && route.retain() != Retain.NONE) {
                problems.add(key + ".retain is last, but the source is a stream, which keeps its entries itself");
            }
            if (route.audience() == Audience.SUBSCRIBERS) {
                if (route.access().isEmpty()) {
                    problems.add(key + ".access must be set to say who may subscribe");
                } else if (route.access().get() == Access.WEBHOOK
                        && webhook.url().isEmpty()) {
                    problems.add(key + ".access is webhook, but sluice.webhook.url is not set");
                }
            } else if (route.retain() != Retain.NONE) {
                problems.add(key + ".retain is last, but clients can't subscribe to a route with audience user");
            }
        }

        private static void checkSizes(SluiceConfig config, List<String> problems) {
            MemorySize maxPayload = config.maxPayload();
            MemorySize outbox = config.outbox().maxBytes();
            BigInteger twoPayloads = maxPayload.asBigInteger().shiftLeft(1);
            if (outbox.asBigInteger().compareTo(twoPayloads) < 0) {
                problems.add("sluice.outbox.max-bytes must be at least twice sluice.max-payload, which is "
                        + text(maxPayload) + ", is " + text(outbox));
            }
            config.outbox()
                    .maxTotalBytes()
                    .filter(total -> total.asBigInteger().compareTo(outbox.asBigInteger()) < 0)
                    .ifPresent(total -> problems.add(
                            "sluice.outbox.max-total-bytes must be at least sluice.outbox.max-bytes, which is "
                                    + text(outbox) + ", is " + text(total)));
            config.history()
                    .maxReplay()
                    .filter(replay -> replay.asBigInteger().shiftLeft(1).compareTo(outbox.asBigInteger()) > 0)
                    .ifPresent(replay -> problems.add(
                            "sluice.history.max-replay must be at most half of sluice.outbox.max-bytes, which is "
                                    + text(outbox) + ", is " + text(replay)));
            if (config.outbox().maxFlush().compareTo(config.outbox().maxStall()) < 0) {
                problems.add("sluice.outbox.max-flush must be at least sluice.outbox.max-stall, which is "
                        + text(config.outbox().maxStall()) + ", is "
                        + text(config.outbox().maxFlush()));
            }
            MemorySize perConnection = config.limits().inboundBytesPerConnection();
            MemorySize perPod = config.limits().inboundBytes();
            if (perPod.asBigInteger().compareTo(perConnection.asBigInteger()) < 0) {
                problems.add("sluice.limits.inbound-bytes must be at least sluice.limits.inbound-bytes-per-connection,"
                        + " which is " + text(perConnection) + ", is " + text(perPod));
            }
            // Half of it, the share of unauthenticated clients, must hold one message: 256 bytes for the frame and two
            // for each character.
            MemorySize maxFrame = config.maxFrame();
            BigInteger least = maxFrame.asBigInteger().shiftLeft(2).add(BigInteger.valueOf(512));
            if (perPod.asBigInteger().compareTo(least) < 0) {
                problems.add("sluice.limits.inbound-bytes must be at least " + least
                        + " so that half of it takes one message of sluice.max-frame, which is " + text(maxFrame)
                        + ", is " + text(perPod));
            }
        }

        private static void checkBackoff(FeedConfig.Backoff backoff, List<String> problems) {
            if (backoff.max().compareTo(backoff.initial()) < 0) {
                problems.add("sluice.feed.backoff.max must be at least sluice.feed.backoff.initial, which is "
                        + text(backoff.initial()) + ", is " + text(backoff.max()));
            }
        }

        /** The message omits the value, because a URL may contain a password. */
        private static void checkUrl(String key, Optional<URI> url, List<String> problems) {
            if (url.isPresent()
                    && (url.get().getHost() == null
                            || !List.of("http", "https").contains(url.get().getScheme()))) {
                problems.add(key + " is not an http or https URL");
            } else if (url.isPresent() && (url.get().getPort() == 0 || url.get().getPort() > UrlCheck.MAX_PORT)) {
                problems.add(key + " has an invalid port");
            }
        }

        /** The message has only the length, because logs must not contain the secret. */
        private static void checkSecret(String secret, List<String> problems) {
            int bytes = secret.getBytes(StandardCharsets.UTF_8).length;
            if (bytes < MIN_SECRET_BYTES) {
                problems.add("sluice.control.secret must have at least " + MIN_SECRET_BYTES + " bytes, has " + bytes
                        + "; generate one with openssl rand -base64 32");
            }
        }

        /** Escapes characters that are special in message templates. */
        private static String escape(String text) {
            return text.replaceAll("[\\\\{}$]", "\\\\$0");
        }
    }
}
