//! The file of one image: where its instructions begin, and which of them were executed.
//!
//! Eight bytes that name the form, the number of places, their RVAs in order (32 bits each), and a byte for each that is
//! not zero once a processor came by. All processes that run the image map it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU8;

const MAGIC: &[u8; 8] = b"LABCOV01";
const HEADER: usize = 16;

/// A file in memory. It stays there as long as the process, as images do.
#[derive(Debug)]
pub(super) struct Map {
    places: &'static [u32],
    hits: &'static [AtomicU8],
}

/// The file of the image at `path` with these contents.
pub(super) fn file(directory: &Path, path: &Path, data: &[u8]) -> PathBuf {
    let hash = data.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    });
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    directory.join(format!("{name}-{hash:016x}.coverage"))
}

/// Makes a file in which nothing was executed. If another process does the same, either stays.
pub(super) fn create(file: &Path, places: &[u32]) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(HEADER + places.len() * 5);
    bytes.extend(MAGIC);
    bytes.extend((places.len() as u64).to_le_bytes());
    bytes.extend(places.iter().flat_map(|place| place.to_le_bytes()));
    bytes.extend(places.iter().map(|_| 0));
    let staged = file.with_extension(format!("{}.new", std::process::id()));
    File::create(&staged)?.write_all(&bytes)?;
    let result = match fs::hard_link(&staged, file) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    };
    fs::remove_file(staged)?;
    result
}

impl Map {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let damaged =
            || io::Error::new(io::ErrorKind::InvalidData, "it is no coverage file, or a damaged one");
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let length = usize::try_from(file.metadata()?.len()).map_err(|_| damaged())?;
        if length < HEADER {
            return Err(damaged());
        }
        // SAFETY: a fresh mapping of the whole file.
        let address = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = address.cast::<u8>();
        // SAFETY: the mapping is at least a header long and page aligned. Header and places are never written again; the
        // hits are only used as atomics, here as in other processes. The lengths are checked before anything is read.
        unsafe {
            let count = usize::try_from(start.add(8).cast::<u64>().read()).map_err(|_| damaged())?;
            let expected = count.checked_mul(5).and_then(|bytes| bytes.checked_add(HEADER));
            if *start.cast::<[u8; 8]>() != *MAGIC || expected != Some(length) {
                return Err(damaged());
            }
            Ok(Self {
                places: std::slice::from_raw_parts(start.add(HEADER).cast(), count),
                hits: std::slice::from_raw_parts(start.add(HEADER + 4 * count).cast(), count),
            })
        }
    }

    /// RVAs, in order.
    pub(super) fn places(&self) -> &'static [u32] {
        self.places
    }

    /// For each place whether it was executed: not zero.
    pub(super) fn hits(&self) -> &'static [AtomicU8] {
        self.hits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    #[test]
    fn a_file_is_made_once_and_shared() {
        let directory = std::env::temp_dir().join(format!("lab-coverage-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let path = file(&directory, Path::new("/x/a.sys"), b"a");
        assert_ne!(path, file(&directory, Path::new("/x/a.sys"), b"b"));
        create(&path, &[0x1000, 0x1003]).unwrap();
        let map = Map::open(&path).unwrap();
        map.hits()[1].store(1, Ordering::Relaxed);
        // The second to make it changes nothing.
        create(&path, &[0x1000, 0x1003]).unwrap();
        let again = Map::open(&path).unwrap();
        assert_eq!(again.places(), [0x1000, 0x1003]);
        assert_eq!(again.hits().iter().map(|hit| hit.load(Ordering::Relaxed)).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
        for damage in [&b"LABCOV01"[..], b"LABCOV01\x02\0\0\0\0\0\0\0\0\0", b"NOCOV___\0\0\0\0\0\0\0\0"] {
            fs::write(directory.join("damaged"), damage).unwrap();
            assert_eq!(Map::open(&directory.join("damaged")).unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
        fs::remove_dir_all(directory).unwrap();
    }
}
