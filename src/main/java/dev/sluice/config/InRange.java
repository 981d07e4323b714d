package dev.sluice.config;

import io.quarkus.runtime.annotations.RegisterForReflection;
import io.quarkus.runtime.configuration.DurationConverter;
import io.quarkus.runtime.configuration.MemorySize;
import io.quarkus.runtime.configuration.MemorySizeConverter;
import jakarta.validation.Constraint;
import jakarta.validation.ConstraintValidator;
import jakarta.validation.ConstraintValidatorContext;
import jakarta.validation.Payload;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.math.BigInteger;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Bounds of a duration, a memory size or a number, written as in the configuration. */
@Target({ElementType.METHOD, ElementType.TYPE_USE})
@Retention(RetentionPolicy.RUNTIME)
@Constraint(validatedBy = InRange.Validator.class)
public @interface InRange {

    /** The minimum. */
    String min();

    /** The maximum; empty if there is none. */
    String max() default "";

    /** Not used: the validator makes the message. */
    String message() default "";

    /** Not used. */
    Class<?>[] groups() default {};

    /** Not used. */
    Class<? extends Payload>[] payload() default {};

    /** Compares a value with the bounds. */
    @RegisterForReflection
    final class Validator implements ConstraintValidator<InRange, Object> {

        private static final BigInteger NANOS_PER_SECOND = BigInteger.valueOf(1_000_000_000);
        private static final BigInteger KILO = BigInteger.valueOf(1024);

        private String min = "";
        private String max = "";

        /** Called by the validator, by reflection. */
        public Validator() {}

        @Override
        public void initialize(InRange bounds) {
            min = bounds.min();
            max = bounds.max();
        }

        @Override
        public boolean isValid(@Nullable Object value, ConstraintValidatorContext context) {
            if (value == null
                    || (amount(value).compareTo(amount(min, value)) >= 0
                            && (max.isEmpty() || amount(value).compareTo(amount(max, value)) <= 0))) {
                return true;
            }
            String bounds = max.isEmpty() ? "at least " + min : "from " + min + " to " + max;
            context.disableDefaultConstraintViolation();
            context.buildConstraintViolationWithTemplate("must be " + bounds + ", is " + text(value))
                    .addConstraintViolation();
            return false;
        }

        private static BigInteger amount(String bound, Object like) {
            if (like instanceof Duration) {
                return amount(DurationConverter.parseDuration(bound));
            }
            return like instanceof MemorySize
                    ? amount(new MemorySizeConverter().convert(bound))
                    : new BigInteger(bound);
        }

        private static BigInteger amount(Object value) {
            if (value instanceof Duration duration) {
                return BigInteger.valueOf(duration.getSeconds())
                        .multiply(NANOS_PER_SECOND)
                        .add(BigInteger.valueOf(duration.getNano()));
            }
            return value instanceof MemorySize size
                    ? size.asBigInteger()
                    : BigInteger.valueOf(((Number) value).longValue());
        }

        /** Returns the value as written in the configuration. */
        static String text(Object value) {
            if (value instanceof Duration duration) {
                return text(duration);
            }
            return value instanceof MemorySize size ? text(size.asBigInteger()) : value.toString();
        }

        private static String text(Duration duration) {
            if (duration.getNano() % 1_000_000 != 0) {
                return duration.toString();
            }
            return duration.getNano() == 0 ? duration.getSeconds() + "s" : duration.toMillis() + "ms";
        }

        private static String text(BigInteger bytes) {
            if (bytes.signum() == 0 || bytes.mod(KILO).signum() != 0) {
                return bytes.toString();
            }
            BigInteger kilos = bytes.divide(KILO);
            return kilos.mod(KILO).signum() == 0 ? kilos.divide(KILO) + "M" : kilos + "K";
        }
    }
}
