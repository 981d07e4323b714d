package dev.sluice.guard;

import io.netty.util.NetUtil;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.HexFormat;

/**
 * The key by which addresses are counted: an IPv4 address or an IPv6 /64 network, because one user usually has a whole
 * /64.
 */
final class AddressGroup {

    /** The maximum length of a key that is not an IP address. A trusted proxy sent it, but memory must stay bounded. */
    private static final int MAX_LENGTH = 64;

    private static final int NETWORK_BYTES = 8;

    private AddressGroup() {}

    static String of(InetAddress address) {
        return address instanceof Inet6Address
                ? HexFormat.of().formatHex(address.getAddress(), 0, NETWORK_BYTES)
                : address.getHostAddress();
    }

    static String of(String address) {
        InetAddress known = NetUtil.createInetAddressFromIpAddressString(address);
        if (known != null) {
            return of(known);
        }
        return address.length() <= MAX_LENGTH ? address : address.substring(0, MAX_LENGTH);
    }
}
