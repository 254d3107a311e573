//! Socket addresses: those of drivers, of Rust and of the host.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use ddk::netio::*;
use ddk::nt;

/// Reads a driver's address of `family`; none if it is of another one.
///
/// # Safety
/// `address` points to the family's address type.
pub(crate) unsafe fn read(address: PSOCKADDR, family: u16) -> Option<SocketAddr> {
    // SAFETY: the caller's promise.
    unsafe {
        if (*address).sa_family != family {
            return None;
        }
        Some(match family {
            AF_INET => {
                let v4 = address.cast::<SOCKADDR_IN>().read_unaligned();
                let ip = Ipv4Addr::from(v4.sin_addr.S_un.S_addr.to_ne_bytes());
                SocketAddr::new(ip.into(), u16::from_be(v4.sin_port))
            }
            AF_INET6 => {
                let v6 = address.cast::<SOCKADDR_IN6>().read_unaligned();
                let ip = Ipv6Addr::from(v6.sin6_addr.u.Byte);
                SocketAddrV6::new(ip, u16::from_be(v6.sin6_port), v6.sin6_flowinfo, v6.u.sin6_scope_id).into()
            }
            _ => return None,
        })
    }
}

/// Any address in the largest of the types that drivers pass.
pub(crate) fn inet(address: SocketAddr) -> SOCKADDR_INET {
    // SAFETY: integers only; zero is valid.
    let mut inet: SOCKADDR_INET = unsafe { std::mem::zeroed() };
    match address {
        SocketAddr::V4(v4) => {
            // SAFETY: as above.
            let mut to: SOCKADDR_IN = unsafe { std::mem::zeroed() };
            to.sin_family = AF_INET;
            to.sin_port = v4.port().to_be();
            to.sin_addr.S_un.S_addr = u32::from_ne_bytes(v4.ip().octets());
            inet.Ipv4 = to;
        }
        SocketAddr::V6(v6) => {
            // SAFETY: as above.
            let mut to: SOCKADDR_IN6 = unsafe { std::mem::zeroed() };
            to.sin6_family = AF_INET6;
            to.sin6_port = v6.port().to_be();
            to.sin6_flowinfo = v6.flowinfo();
            to.sin6_addr.u.Byte = v6.ip().octets();
            to.u.sin6_scope_id = v6.scope_id();
            inet.Ipv6 = to;
        }
    }
    inet
}

/// How many bytes the address type of a family has.
pub(crate) fn length(family: u16) -> usize {
    if family == AF_INET { size_of::<SOCKADDR_IN>() } else { size_of::<SOCKADDR_IN6>() }
}

/// Writes `value` where the driver wants it; nowhere if it does not.
///
/// # Safety
/// `to` is null or has room for the family's address type.
pub(crate) unsafe fn write(to: PSOCKADDR, value: SocketAddr) {
    if to.is_null() {
        return;
    }
    let inet = inet(value);
    let family = if value.is_ipv4() { AF_INET } else { AF_INET6 };
    // SAFETY: the caller's promise; the union has at least that many bytes.
    unsafe { std::ptr::copy_nonoverlapping((&raw const inet).cast::<u8>(), to.cast(), length(family)) }
}

/// The loopback address that stands for `address` on the host: itself, or that of its family for the
/// wildcard; none for any other.
pub(crate) fn local(address: SocketAddr) -> Option<SocketAddr> {
    let loopback = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() || ip == Ipv4Addr::LOCALHOST => {
            IpAddr::from(Ipv4Addr::LOCALHOST)
        }
        IpAddr::V6(ip) if ip.is_unspecified() || ip == Ipv6Addr::LOCALHOST => {
            IpAddr::from(Ipv6Addr::LOCALHOST)
        }
        _ => return None,
    };
    Some(SocketAddr::new(loopback, address.port()))
}

/// Whether the lab lets anything through to `address`.
pub(crate) fn reachable(address: SocketAddr) -> bool {
    address.ip() == IpAddr::from(Ipv4Addr::LOCALHOST) || address.ip() == IpAddr::from(Ipv6Addr::LOCALHOST)
}

/// The host's form of `address`.
pub(crate) fn to_host(address: SocketAddr) -> (libc::sockaddr_storage, libc::socklen_t) {
    // SAFETY: integers only; zero is valid.
    let mut storage: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
    let length = match address {
        SocketAddr::V4(v4) => {
            let host = libc::sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: v4.port().to_be(),
                sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(v4.ip().octets()) },
                sin_zero: [0; 8],
            };
            // SAFETY: the storage has room for every address type and their alignment.
            unsafe { (&raw mut storage).cast::<libc::sockaddr_in>().write(host) };
            size_of::<libc::sockaddr_in>()
        }
        SocketAddr::V6(v6) => {
            let host = libc::sockaddr_in6 {
                sin6_family: libc::AF_INET6 as libc::sa_family_t,
                sin6_port: v6.port().to_be(),
                sin6_flowinfo: v6.flowinfo(),
                sin6_addr: libc::in6_addr { s6_addr: v6.ip().octets() },
                sin6_scope_id: v6.scope_id(),
            };
            // SAFETY: as above.
            unsafe { (&raw mut storage).cast::<libc::sockaddr_in6>().write(host) };
            size_of::<libc::sockaddr_in6>()
        }
    };
    (storage, length as libc::socklen_t)
}

/// An address that the host has filled in; none if it is of no family that the lab knows.
pub(crate) fn from_host(storage: &libc::sockaddr_storage) -> Option<SocketAddr> {
    match i32::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the host wrote an address of this family.
            let host = unsafe { &*(&raw const *storage).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(host.sin_addr.s_addr.to_ne_bytes());
            Some(SocketAddr::new(ip.into(), u16::from_be(host.sin_port)))
        }
        libc::AF_INET6 => {
            // SAFETY: as above.
            let host = unsafe { &*(&raw const *storage).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(host.sin6_addr.s6_addr);
            Some(SocketAddr::new(ip.into(), u16::from_be(host.sin6_port)))
        }
        _ => None,
    }
}

/// The status that stands for the host's last error.
pub(crate) fn last_error() -> i32 {
    match std::io::Error::last_os_error().raw_os_error().unwrap_or_default() {
        libc::ECONNREFUSED => nt::STATUS_CONNECTION_REFUSED,
        libc::ECONNRESET => nt::STATUS_CONNECTION_RESET,
        libc::ECONNABORTED => nt::STATUS_CONNECTION_ABORTED,
        libc::EPIPE => nt::STATUS_CONNECTION_DISCONNECTED,
        libc::EADDRINUSE => nt::STATUS_ADDRESS_ALREADY_EXISTS,
        libc::EACCES => nt::STATUS_ACCESS_DENIED,
        libc::EMSGSIZE => nt::STATUS_INVALID_BUFFER_SIZE,
        libc::ENOTCONN => nt::STATUS_INVALID_CONNECTION,
        libc::EISCONN => nt::STATUS_CONNECTION_ACTIVE,
        libc::ETIMEDOUT => nt::STATUS_IO_TIMEOUT,
        libc::ENOBUFS | libc::ENOMEM | libc::EMFILE | libc::ENFILE => nt::STATUS_INSUFFICIENT_RESOURCES,
        _ => nt::STATUS_UNSUCCESSFUL,
    }
}
