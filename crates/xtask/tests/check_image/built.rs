//! A linked driver, and ways to spoil it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use xtask::arch::Arch;
use xtask::check_image;
use xtask::check_image::AllowList;
use xtask::check_image::Function;
use xtask::check_image::Image;
use xtask::check_image::Symbols;
use xtask::check_image::checksum;
use xtask::workspace;

pub(crate) const BOTH: [Arch; 2] = [Arch::X64, Arch::Arm64];

/// A linked driver with its PDB, to be spoilt.
pub(crate) struct Built {
    pub(crate) arch: Arch,
    pub(crate) image: Vec<u8>,
    pub(crate) pdb: Vec<u8>,
    /// What is wrong with it as built: nothing, or `clean_images_pass` fails.
    pub(crate) before: BTreeSet<Problem>,
}

/// The name of a check and what it found.
pub(crate) type Problem = (&'static str, String);

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| {
        panic!("{}: {error}: run `cargo xtask build --arch all` first", path.display())
    })
}

impl Built {
    pub(crate) fn load(arch: Arch) -> Built {
        let path = workspace::image(arch);
        let mut built = Built {
            arch,
            image: read(&path),
            pdb: read(&path.with_extension("pdb")),
            before: BTreeSet::new(),
        };
        built.before = built.problems().collect();
        built
    }

    fn problems(&self) -> impl Iterator<Item = Problem> + use<> {
        let allowed = AllowList::load().expect("the list of exports is readable");
        let verdicts =
            check_image::check(&self.image, &self.pdb, &allowed).expect("the image is still a PE file");
        verdicts.into_iter().flat_map(|verdict| {
            verdict.outcome.err().unwrap_or_default().into_iter().map(move |problem| (verdict.name, problem))
        })
    }

    /// What is wrong now and was not in the image as built.
    pub(crate) fn new_problems(&self) -> Vec<Problem> {
        self.problems().filter(|problem| !self.before.contains(problem)).collect()
    }

    /// Expects exactly these checks to fail, the first of them with this text.
    pub(crate) fn assert_fails(&mut self, checks: &[&str], text: &str) {
        checksum::write(&mut self.image).expect("the image is still a PE file");
        self.assert_fails_as_is(checks, text);
    }

    pub(crate) fn assert_fails_as_is(&self, checks: &[&str], text: &str) {
        let problems = self.new_problems();
        let mut names: Vec<&str> = problems.iter().map(|(name, _)| *name).collect();
        names.dedup();
        assert_eq!(names, checks, "{}: {problems:?}", self.arch);
        let first = |(name, problem): &Problem| *name == checks[0] && problem.contains(text);
        assert!(problems.iter().any(first), "{}: {problems:?}", self.arch);
    }

    pub(crate) fn u16(&self, at: usize) -> u16 {
        u16::from_le_bytes([self.image[at], self.image[at + 1]])
    }

    pub(crate) fn patch(&mut self, at: usize, bytes: &[u8]) {
        self.image[at..at + bytes.len()].copy_from_slice(bytes);
    }

    pub(crate) fn file_header(&self) -> usize {
        usize::from(self.u16(0x3c)) + 4
    }

    pub(crate) fn optional_header(&self) -> usize {
        self.file_header() + 20
    }

    /// Where the entry of a data directory is.
    pub(crate) fn directory(&self, index: usize) -> usize {
        self.optional_header() + 112 + index * 8
    }

    pub(crate) fn clear_dll_characteristic(&mut self, bit: u16) {
        let at = self.optional_header() + 70;
        let value = self.u16(at) & !bit;
        self.patch(at, &value.to_le_bytes());
    }

    pub(crate) fn functions(&self) -> Vec<Function> {
        Image::parse(&self.image).expect("a PE file").functions().expect("an exception directory")
    }

    /// The first function that is suitable.
    pub(crate) fn function(&self, suitable: impl Fn(&Function) -> bool) -> Function {
        self.functions().into_iter().find(suitable).expect("the driver has such a function")
    }

    pub(crate) fn offset(&self, rva: u32) -> usize {
        Image::parse(&self.image).expect("a PE file").file_offset(rva).expect("an address in the file")
    }

    /// Replaces the code of a function that is long enough, without moving anything else.
    pub(crate) fn patch_code(&mut self, instruction: &[u8], filler: &[u8]) {
        let function = self.function(|function| function.size >= 32);
        let at = self.offset(function.begin);
        let size = usize::try_from(function.size).expect("a small number");
        let rest = filler.iter().cycle().take(size - instruction.len());
        let code: Vec<u8> = instruction.iter().chain(rest).copied().collect();
        self.patch(at, &code);
    }

    /// Puts `new` in place of a name that code has in the PDB, padded to its length.
    pub(crate) fn rename_symbol(&mut self, new: &str, eligible: impl Fn(&Symbols, &str) -> bool) {
        let symbols = Symbols::read(&self.pdb).expect("a PDB");
        let plain = |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let names = symbols.names.iter().filter(|name| eligible(&symbols, name));
        let mut leaves = names.filter_map(|name| name.rsplit("::").next()).filter(plain);
        let old =
            leaves.find(|name| name.len() >= new.len()).expect("the PDB has a name long enough").to_owned();
        let new = format!("{new:_<width$}", width = old.len());
        let part_of_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let mut found = 0;
        for at in 1..self.pdb.len() - old.len() {
            let (before, after) = (self.pdb[at - 1], self.pdb[at + old.len()]);
            if self.pdb[at..].starts_with(old.as_bytes()) && !part_of_name(before) && after == 0 {
                self.pdb[at..at + old.len()].copy_from_slice(new.as_bytes());
                found += 1;
            }
        }
        assert!(found > 0, "{old} stands nowhere in the PDB");
    }
}
