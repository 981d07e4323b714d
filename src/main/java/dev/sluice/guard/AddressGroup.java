package dev.sluice.guard;

import io.netty.util.NetUtil;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.HexFormat;

/** Addresses that count as one: an IPv4 address, or an IPv6 /64 network, since one user has at least that. */
final class AddressGroup {

    /** What is not an address comes from a proxy that is trusted; it is still not kept whatever its length. */
    private static final int MAX_LENGTH = 64;

    private static final int NETWORK_BYTES = 8;

    private AddressGroup() {}

    /** What the address is counted as. */
    static String of(InetAddress address) {
        return address instanceof Inet6Address
                ? HexFormat.of().formatHex(address.getAddress(), 0, NETWORK_BYTES)
                : address.getHostAddress();
    }

    /** What the address is counted as. */
    static String of(String address) {
        InetAddress known = NetUtil.createInetAddressFromIpAddressString(address);
        if (known != null) {
            return of(known);
        }
        return address.length() <= MAX_LENGTH ? address : address.substring(0, MAX_LENGTH);
    }
}
