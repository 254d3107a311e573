//! Controls of sockets: event callbacks, options and I/O controls.

use std::sync::Arc;

use ddk::netio::*;
use ddk::nt;
use ddk::wsk::*;

use super::irp::Request;
use super::socket::{Socket, Ticket, settle};
use super::{address, engine, event, lock};
use crate::verifier::violation;

/// What WskControlSocket was asked.
#[derive(Debug)]
pub(crate) struct Control {
    pub(crate) kind: WSK_CONTROL_SOCKET_TYPE,
    pub(crate) code: u32,
    pub(crate) level: u32,
    pub(crate) input_size: u64,
    pub(crate) input: usize,
    pub(crate) output_size: u64,
    pub(crate) output: usize,
}

impl Control {
    /// The input as a `T`; none if it is not that long.
    fn input<T: Copy>(&self) -> Option<T> {
        // SAFETY: the driver's input of the stated length; a bad pointer faults and is reported.
        (self.input != 0 && self.input_size >= size_of::<T>() as u64)
            .then(|| unsafe { (self.input as *const T).read_unaligned() })
    }

    /// Writes the output; its length, or the status if it has no room.
    fn output<T: Copy>(&self, value: T) -> Result<u64, i32> {
        if self.output == 0 || self.output_size < size_of::<T>() as u64 {
            return Err(nt::STATUS_BUFFER_TOO_SMALL);
        }
        // SAFETY: as above.
        unsafe { (self.output as *mut T).write_unaligned(value) };
        Ok(size_of::<T>() as u64)
    }
}

/// Sets an option of the host's socket; whether it took it.
pub(crate) fn set_host_option(fd: i32, level: i32, name: i32, value: i32) -> bool {
    // SAFETY: the value is on this stack and as long as stated.
    let result = unsafe {
        libc::setsockopt(fd, level, name, (&raw const value).cast(), size_of::<i32>() as libc::socklen_t)
    };
    result == 0
}

/// Carries out a control; what the call returns.
pub(crate) fn socket(socket: &Arc<Socket>, control: &Control, returned: *mut u64, irp: nt::PIRP) -> i32 {
    let events =
        control.kind == WskSetOption && control.level == SOL_SOCKET && control.code == SO_WSK_EVENT_CALLBACK;
    if events && let Some(value) = control.input::<WSK_EVENT_CALLBACK_CONTROL>() {
        return set_events(socket, value, irp);
    }
    let result = if lock(&socket.state).dead {
        Err(nt::STATUS_FILE_FORCED_CLOSED)
    } else {
        match control.kind {
            kind if kind == WskSetOption => set(socket, control),
            kind if kind == WskGetOption => get(socket, control),
            kind if kind == WskIoctl => ioctl(socket, control, irp),
            _ => Err(nt::STATUS_INVALID_PARAMETER),
        }
    };
    let (status, length) = result.map_or_else(|status| (status, 0), |length| (nt::STATUS_SUCCESS, length));
    if irp.is_null() {
        if !returned.is_null() {
            // SAFETY: the driver's output, given for a call without an IRP.
            unsafe { returned.write(length) };
        }
        return status;
    }
    let request = Request::take("WskControlSocket", irp);
    settle(request, Ticket::new(&socket.client, Some(socket)), status, length)
}

/// Enables or disables event callbacks (W30 to W33).
fn set_events(socket: &Arc<Socket>, value: WSK_EVENT_CALLBACK_CONTROL, irp: nt::PIRP) -> i32 {
    // SAFETY: the driver names the interface; a bad pointer faults and is reported.
    let named = !value.NpiId.is_null() && unsafe { *value.NpiId }.Data1 == NPI_WSK_INTERFACE_ID.Data1;
    if !named {
        return nt::STATUS_NOT_SUPPORTED;
    }
    let events = value.EventMask & !WSK_EVENT_DISABLE;
    let mut state = lock(&socket.state);
    if value.EventMask & WSK_EVENT_DISABLE == 0 {
        let missing = events & !event::callbacks(socket.category, state.dispatch);
        if missing != 0 {
            violation(
                "WV-3",
                &format!(
                    "events {missing:#x} are enabled, for which the client's table has no callback (W30)"
                ),
            );
        }
        if !irp.is_null() {
            violation("WV-3", "event callbacks are enabled with an IRP (W30)");
        }
        let ready = match socket.category {
            WSK_FLAG_LISTEN_SOCKET | WSK_FLAG_DATAGRAM_SOCKET => state.bound,
            _ => state.connected || state.listening,
        };
        if !ready {
            return nt::STATUS_INVALID_DEVICE_STATE;
        }
        state.events |= events;
        state.held = false;
        drop(state);
        engine::wake();
        return nt::STATUS_SUCCESS;
    }
    if !events.is_power_of_two() {
        violation("WV-3", &format!("one call disables the events {events:#x}; each call names one (W32)"));
    }
    if state.fixed_events & events != 0 && state.events & events == 0 {
        violation("WV-3", "an event is disabled that came with the listening socket or the client (W33)");
    }
    state.events &= !events;
    if irp.is_null() {
        return if state.indicating { nt::STATUS_EVENT_PENDING } else { nt::STATUS_SUCCESS };
    }
    drop(state);
    let request = Request::take("WskControlSocket", irp);
    let ticket = Ticket::new(&socket.client, Some(socket));
    let mut state = lock(&socket.state);
    if state.indicating {
        request.pend();
        state.disabling.push((request, ticket));
        return nt::STATUS_PENDING;
    }
    drop(state);
    settle(request, ticket, nt::STATUS_SUCCESS, 0)
}

/// The host's option for a driver's, with whether it must come before the bind (W13).
fn host_option(level: u32, code: u32) -> Option<(i32, i32, bool)> {
    Some(match (level, code) {
        (SOL_SOCKET, SO_REUSEADDR) => (libc::SOL_SOCKET, libc::SO_REUSEADDR, true),
        (SOL_SOCKET, SO_KEEPALIVE) => (libc::SOL_SOCKET, libc::SO_KEEPALIVE, false),
        (SOL_SOCKET, SO_BROADCAST) => (libc::SOL_SOCKET, libc::SO_BROADCAST, false),
        (SOL_SOCKET, SO_RCVBUF) => (libc::SOL_SOCKET, libc::SO_RCVBUF, false),
        (SOL_SOCKET, SO_SNDBUF) => (libc::SOL_SOCKET, libc::SO_SNDBUF, false),
        (level, TCP_NODELAY) if level == IPPROTO_TCP as u32 => (libc::IPPROTO_TCP, libc::TCP_NODELAY, false),
        (level, IPV6_V6ONLY) if level == IPPROTO_IPV6 as u32 => (libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, true),
        _ => return None,
    })
}

fn set(socket: &Socket, control: &Control) -> Result<u64, i32> {
    let value: u32 = control.input().ok_or(nt::STATUS_INVALID_PARAMETER)?;
    if control.level == SOL_SOCKET && control.code == SO_EXCLUSIVEADDRUSE as u32 {
        // The host never shares a bound address unless it is asked to.
        return if lock(&socket.state).bound { Err(nt::STATUS_INVALID_DEVICE_STATE) } else { Ok(0) };
    }
    let (level, name, early) = host_option(control.level, control.code).ok_or(nt::STATUS_NOT_SUPPORTED)?;
    if early && lock(&socket.state).bound {
        return Err(nt::STATUS_INVALID_DEVICE_STATE);
    }
    let fd = socket.fd().ok_or(nt::STATUS_FILE_FORCED_CLOSED)?;
    if set_host_option(fd, level, name, value as i32) { Ok(0) } else { Err(address::last_error()) }
}

fn get(socket: &Socket, control: &Control) -> Result<u64, i32> {
    if control.level == SOL_SOCKET && control.code == SO_TYPE {
        return control.output(u32::from(socket.kind));
    }
    let (level, name, _) = host_option(control.level, control.code).ok_or(nt::STATUS_NOT_SUPPORTED)?;
    let fd = socket.fd().ok_or(nt::STATUS_FILE_FORCED_CLOSED)?;
    let (mut value, mut length) = (0u32, size_of::<u32>() as libc::socklen_t);
    // SAFETY: the outputs are on this stack and as long as stated.
    let result = unsafe { libc::getsockopt(fd, level, name, (&raw mut value).cast(), &raw mut length) };
    if result != 0 {
        return Err(address::last_error());
    }
    control.output(value)
}

fn ioctl(socket: &Arc<Socket>, control: &Control, irp: nt::PIRP) -> Result<u64, i32> {
    match control.code {
        SIO_WSK_SET_REMOTE_ADDRESS | SIO_WSK_SET_SENDTO_ADDRESS => {
            if irp.is_null() {
                return Err(nt::STATUS_INVALID_PARAMETER);
            }
            let to = if control.input_size == 0 {
                None
            } else if control.input_size >= address::length(socket.family) as u64 {
                // SAFETY: the driver's input is as long as the family's address type.
                let to = unsafe { address::read(control.input as PSOCKADDR, socket.family) };
                let to = to.ok_or(nt::STATUS_INVALID_PARAMETER)?;
                if !address::reachable(to) {
                    return Err(nt::STATUS_NETWORK_UNREACHABLE);
                }
                Some(to)
            } else {
                return Err(nt::STATUS_INVALID_PARAMETER);
            };
            let mut state = lock(&socket.state);
            if control.code == SIO_WSK_SET_REMOTE_ADDRESS {
                state.remote = to;
            } else {
                state.send_to = to;
            }
            Ok(0)
        }
        SIO_WSK_QUERY_RECEIVE_BACKLOG => {
            let fd = socket.fd().ok_or(nt::STATUS_FILE_FORCED_CLOSED)?;
            let mut waiting: libc::c_int = 0;
            // SAFETY: the output is on this stack.
            unsafe { libc::ioctl(fd, libc::FIONREAD, &raw mut waiting) };
            let kept: usize = lock(&socket.state).backlog.iter().map(|(bytes, _)| bytes.len()).sum();
            control.output(waiting as u64 + kept as u64)
        }
        _ => Err(nt::STATUS_NOT_SUPPORTED),
    }
}
