//! Which addresses a bound socket answers for.

use std::net::SocketAddr;

/// Whether a socket bound to `bound` takes what is sent to `asked`. `[::]` takes IPv4 too unless
/// `IPV6_V6ONLY` is set (ipv6(7)).
pub fn covers(bound: SocketAddr, asked: SocketAddr) -> bool {
    let (ip, wanted) = (bound.ip().to_canonical(), asked.ip());
    let takes = ip == wanted || ip.is_unspecified() && (ip.is_ipv6() || wanted.is_ipv4());
    bound.port() == asked.port() && takes
}
