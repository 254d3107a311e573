//! A PE image as the checks see it.

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use object::LittleEndian as LE;
use object::pe;
use object::read::pe::ImageNtHeaders as _;
use object::read::pe::ImageOptionalHeader as _;
use object::read::pe::PeFile64;

use crate::arch::Arch;

/// A parsed image of one of our two architectures.
pub struct Image<'data> {
    /// The whole file.
    pub data: &'data [u8],
    /// The file as the library sees it.
    pub pe: PeFile64<'data>,
    /// Its architecture.
    pub arch: Arch,
}

/// A section header in plain numbers.
pub(crate) struct Section {
    pub(crate) name: String,
    pub(crate) rva: u32,
    pub(crate) characteristics: u32,
}

impl<'data> Image<'data> {
    /// Parses a PE32+ file.
    pub fn parse(data: &'data [u8]) -> Result<Image<'data>> {
        let pe = PeFile64::parse(data).context("not a PE32+ image")?;
        let arch = match pe.nt_headers().file_header().machine.get(LE) {
            pe::IMAGE_FILE_MACHINE_AMD64 => Arch::X64,
            pe::IMAGE_FILE_MACHINE_ARM64 => Arch::Arm64,
            other => bail!("machine type {other:#06x} is neither x64 nor ARM64"),
        };
        Ok(Image { data, pe, arch })
    }

    pub(crate) fn sections(&self) -> impl Iterator<Item = Section> {
        self.pe.section_table().iter().map(|header| Section {
            name: String::from_utf8_lossy(header.raw_name()).into_owned(),
            rva: header.virtual_address.get(LE),
            characteristics: header.characteristics.get(LE),
        })
    }

    pub(crate) fn dll_characteristics(&self) -> u16 {
        self.pe.nt_headers().optional_header().dll_characteristics()
    }

    /// Address and size of a data directory; `None` when it is empty.
    pub(crate) fn directory(&self, index: usize) -> Option<(u32, u32)> {
        let directory = self.pe.data_directory(index)?;
        let (address, size) = directory.address_range();
        (address != 0 && size != 0).then_some((address, size))
    }

    /// The `size` file bytes behind an address.
    pub fn bytes(&self, rva: u32, size: u32) -> Option<&'data [u8]> {
        self.tail(rva)?.get(..usize::try_from(size).ok()?)
    }

    /// The file bytes from an address to the end of its section.
    pub(crate) fn tail(&self, rva: u32) -> Option<&'data [u8]> {
        self.pe.section_table().pe_data_at(self.data, rva)
    }

    /// Where in the file the byte behind an address is.
    pub fn file_offset(&self, rva: u32) -> Option<usize> {
        let (offset, _) = self.pe.section_table().pe_file_range_at(rva)?;
        usize::try_from(offset).ok()
    }
}
