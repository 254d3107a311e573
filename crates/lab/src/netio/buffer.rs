//! The driver's buffers that sockets read and write, and the ones they lend to it.

use ddk::wsk::{PWSK_BUF, WSK_BUF};

use crate::ntoskrnl::mdl::{self, Mdl};
use crate::pool::{self, Fill};
use crate::verifier::violation;

const TAG: u32 = u32::from_le_bytes(*b"NETi");
const LOCKED_OR_BUILT: i16 = 0x2 | 0x4 | 0x10;

/// The bytes that a WSK_BUF names, over any number of MDLs.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    mdls: Vec<usize>,
    pieces: Vec<(usize, usize)>,
}

impl Buffer {
    /// Reads what `name` was given (W26); a null pointer is an empty buffer.
    pub(crate) fn read(name: &str, buffer: PWSK_BUF) -> Self {
        if buffer.is_null() {
            return Self::default();
        }
        // SAFETY: the driver's structure; a bad pointer faults and is reported.
        Self::of(name, unsafe { buffer.read() })
    }

    /// As [`Buffer::read`], of a copy.
    pub(crate) fn of(name: &str, buffer: WSK_BUF) -> Self {
        let broken = |what: &str| -> ! { violation("WV-2", &format!("{name}: {what} (W26)")) };
        let (mut offset, mut left) = (buffer.Offset as usize, buffer.Length as usize);
        let (mut mdl, mut read) = (buffer.Mdl.cast::<Mdl>(), Self::default());
        if left == 0 {
            return read;
        }
        // SAFETY: as above.
        if !mdl.is_null() && offset >= unsafe { (*mdl).byte_count } as usize {
            broken("the offset does not lie in the first MDL");
        }
        while left > 0 {
            if mdl.is_null() {
                broken("the MDL chain is shorter than offset and length");
            }
            // SAFETY: as above.
            let (flags, address, count, next) =
                unsafe { ((*mdl).flags, (*mdl).address(), (*mdl).byte_count as usize, (*mdl).next) };
            if flags & LOCKED_OR_BUILT == 0 {
                broken("an MDL is neither locked nor built for nonpaged pool");
            }
            let length = left.min(count - offset);
            read.mdls.push(mdl as usize);
            if length > 0 {
                read.pieces.push((address + offset, length));
            }
            (left, offset, mdl) = (left - length, 0, next);
        }
        read
    }

    pub(crate) fn len(&self) -> usize {
        self.pieces.iter().map(|(_, length)| length).sum()
    }

    /// What is left of the buffer behind its first `skip` bytes, for the host. Breaks rule WV-2 if the driver
    /// has freed any of it: buffers belong to WSK until the request is complete.
    pub(crate) fn rest(&self, mut skip: usize) -> Vec<libc::iovec> {
        for address in self.mdls.iter().chain(self.pieces.iter().map(|(address, _)| address)) {
            if pool::lookup(*address).is_some_and(|block| block.freed_at.is_some()) {
                violation(
                    "WV-2",
                    &format!(
                        "a buffer of a request that is not complete is {} (W26)",
                        pool::describe(*address)
                    ),
                );
            }
        }
        let mut rest = Vec::with_capacity(self.pieces.len());
        for (address, length) in &self.pieces {
            let skipped = skip.min(*length);
            skip -= skipped;
            if skipped < *length {
                rest.push(libc::iovec {
                    iov_base: (address + skipped) as *mut libc::c_void,
                    iov_len: length - skipped,
                });
            }
        }
        rest
    }

    /// Copies `bytes` to the buffer behind its first `skip` bytes; how many had room.
    pub(crate) fn fill(&self, skip: usize, bytes: &[u8]) -> usize {
        let mut done = 0;
        for piece in self.rest(skip) {
            let length = piece.iov_len.min(bytes.len() - done);
            // SAFETY: a piece is memory that the driver has lent until the request is complete.
            unsafe { std::ptr::copy_nonoverlapping(bytes[done..].as_ptr(), piece.iov_base.cast(), length) };
            done += length;
        }
        done
    }
}

/// Memory that a socket lends to the driver for an indication; it is gone when the indication is.
#[derive(Debug)]
pub(crate) struct Lent {
    blocks: Vec<usize>,
}

impl Lent {
    /// Lends `bytes` with room for `T` and `extra` bytes beside it, and returns where they are, with the
    /// buffer that names the bytes.
    pub(crate) fn new<T>(extra: usize, bytes: &[u8]) -> (Self, *mut T, *mut u8, WSK_BUF) {
        let head = pool::lend(size_of::<T>() + extra, TAG, Fill::Zero);
        let data = pool::lend(bytes.len(), TAG, Fill::Pattern);
        // SAFETY: the block was just made with room for the bytes.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), data, bytes.len()) };
        let mdl = mdl::lend(data as usize, bytes.len());
        let buffer = WSK_BUF { Mdl: mdl.cast(), Offset: 0, Length: bytes.len() as u64 };
        let beside = head.wrapping_add(size_of::<T>());
        (Self { blocks: vec![head as usize, data as usize, mdl as usize] }, head.cast(), beside, buffer)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        for block in &self.blocks {
            pool::take_back(*block as *mut u8);
        }
    }
}
