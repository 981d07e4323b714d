package dev.sluice.harness;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.spec.RSAPrivateKeySpec;
import java.security.spec.RSAPublicKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * RSA keys of 2048 bits for tests, as the product of eight small primes instead of two large ones. They are not secure, but where code is
 * compiled fast, a key takes a hundredth of the CPU time, and a signature a tenth. Verification is as usual. Thread-safe.
 */
public final class RsaKeys {

    private static final int FACTORS = 8;
    private static final int FACTOR_BITS = 256;
    private static final int BYTES = FACTORS * FACTOR_BITS / Byte.SIZE;
    private static final BigInteger EXPONENT = BigInteger.valueOf(65_537);
    private static final SecureRandom RANDOM = new SecureRandom();

    /** What precedes the hash in a signature with SHA-256, according to RFC 8017, section 9.2. */
    private static final byte[] SHA_256 = HexFormat.of().parseHex("3031300d060960864801650304020105000420");

    private static final Map<PrivateKey, List<Factor>> FACTORS_OF = new ConcurrentHashMap<>();

    /**
     * A prime factor of the modulus.
     *
     * @param exponent the private exponent modulo {@code prime - 1}
     * @param weight 1 modulo this prime, and 0 modulo the others
     */
    private record Factor(BigInteger prime, BigInteger exponent, BigInteger weight) {}

    private RsaKeys() {}

    /** Returns a new key pair. */
    public static KeyPair next() {
        List<BigInteger> primes;
        BigInteger modulus;
        do {
            primes = primes();
            modulus = primes.stream().reduce(BigInteger.ONE, BigInteger::multiply);
        } while (modulus.bitLength() != BYTES * Byte.SIZE);
        BigInteger order = BigInteger.ONE;
        for (BigInteger prime : primes) {
            order = order.multiply(prime.subtract(BigInteger.ONE));
        }
        BigInteger exponent = EXPONENT.modInverse(order);
        List<Factor> factors = new ArrayList<>();
        for (BigInteger prime : primes) {
            BigInteger others = modulus.divide(prime);
            factors.add(new Factor(
                    prime, exponent.mod(prime.subtract(BigInteger.ONE)), others.multiply(others.modInverse(prime))));
        }
        try {
            KeyFactory factory = KeyFactory.getInstance("RSA");
            PrivateKey key = factory.generatePrivate(new RSAPrivateKeySpec(modulus, exponent));
            FACTORS_OF.put(key, factors);
            return new KeyPair(factory.generatePublic(new RSAPublicKeySpec(modulus, EXPONENT)), key);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<BigInteger> primes() {
        List<BigInteger> primes = new ArrayList<>();
        while (primes.size() < FACTORS) {
            // With the upper bits set, most products have all bits.
            BigInteger prime = new BigInteger(FACTOR_BITS, RANDOM)
                    .or(BigInteger.valueOf(15).shiftLeft(FACTOR_BITS - 4))
                    .nextProbablePrime();
            if (!primes.contains(prime)
                    && prime.subtract(BigInteger.ONE).mod(EXPONENT).signum() > 0) {
                primes.add(prime);
            }
        }
        return primes;
    }

    /** Signs the ASCII text with SHA-256, as RS256 does; null if the key is not from this class. */
    static byte @Nullable [] sign(PrivateKey key, String text) {
        List<Factor> factors = FACTORS_OF.get(key);
        if (factors == null) {
            return null;
        }
        byte[] padded = new byte[BYTES];
        Arrays.fill(padded, (byte) 0xff);
        byte[] hash = hash(text);
        int end = BYTES - hash.length;
        System.arraycopy(hash, 0, padded, end, hash.length);
        System.arraycopy(SHA_256, 0, padded, end - SHA_256.length, SHA_256.length);
        padded[end - SHA_256.length - 1] = 0;
        padded[0] = 0;
        padded[1] = 1;
        BigInteger message = new BigInteger(1, padded);
        BigInteger sum = BigInteger.ZERO;
        BigInteger modulus = BigInteger.ONE;
        for (Factor factor : factors) {
            BigInteger part = message.mod(factor.prime()).modPow(factor.exponent(), factor.prime());
            sum = sum.add(part.multiply(factor.weight()));
            modulus = modulus.multiply(factor.prime());
        }
        byte[] signature = sum.mod(modulus).toByteArray();
        byte[] fixed = new byte[BYTES];
        int length = Math.min(signature.length, BYTES);
        System.arraycopy(signature, signature.length - length, fixed, BYTES - length, length);
        return fixed;
    }

    private static byte[] hash(String text) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.US_ASCII));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }
}
