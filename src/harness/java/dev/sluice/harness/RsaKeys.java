package dev.sluice.harness;

import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.SecureRandom;
import java.security.spec.RSAPrivateCrtKeySpec;
import java.security.spec.RSAPublicKeySpec;
import java.util.ArrayList;
import java.util.List;

/**
 * Creates RSA keys for tests. Keys share prime factors, so that they are not secure, because the search for two primes per key takes most
 * of a CPU second where code is compiled fast.
 */
public final class RsaKeys {

    private static final BigInteger EXPONENT = BigInteger.valueOf(65_537);
    private static final int PRIME_BITS = 1024;
    private static final SecureRandom RANDOM = new SecureRandom();

    private static final List<BigInteger> PRIMES = new ArrayList<>();

    /** The index in the list of the first key's smaller factor; the other factor is the last prime. */
    private static int next;

    private RsaKeys() {}

    /** Returns a key pair of 2048 bits, different from all earlier ones of this process. */
    public static synchronized KeyPair next() {
        if (next >= PRIMES.size() - 1) {
            PRIMES.add(prime());
            next = 0;
            if (PRIMES.size() == 1) {
                PRIMES.add(prime());
            }
        }
        return of(PRIMES.get(PRIMES.size() - 1), PRIMES.get(next++));
    }

    private static BigInteger prime() {
        BigInteger prime;
        do {
            // With these bits set, every product of two has 2048 bits.
            prime = new BigInteger(PRIME_BITS, RANDOM)
                    .setBit(PRIME_BITS - 1)
                    .setBit(PRIME_BITS - 2)
                    .nextProbablePrime();
        } while (prime.bitLength() != PRIME_BITS
                || prime.subtract(BigInteger.ONE).mod(EXPONENT).signum() == 0);
        return prime;
    }

    private static KeyPair of(BigInteger p, BigInteger q) {
        BigInteger modulus = p.multiply(q);
        BigInteger pMinusOne = p.subtract(BigInteger.ONE);
        BigInteger qMinusOne = q.subtract(BigInteger.ONE);
        BigInteger exponent = EXPONENT.modInverse(pMinusOne.multiply(qMinusOne));
        try {
            KeyFactory factory = KeyFactory.getInstance("RSA");
            return new KeyPair(
                    factory.generatePublic(new RSAPublicKeySpec(modulus, EXPONENT)),
                    factory.generatePrivate(new RSAPrivateCrtKeySpec(
                            modulus,
                            EXPONENT,
                            exponent,
                            p,
                            q,
                            exponent.mod(pMinusOne),
                            exponent.mod(qMinusOne),
                            q.modInverse(p))));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }
}
