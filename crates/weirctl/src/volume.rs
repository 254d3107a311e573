//! NT paths, as the driver tells them, in the form in which people write them.

use std::collections::BTreeMap;

/// The path of an image with a drive letter: `\device\harddiskvolume3\windows\notepad.exe` is
/// `C:\windows\notepad.exe`. Without a letter for its volume the path has the form that Win32 takes for any NT path,
/// `\\?\GLOBALROOT\device\...`; paths on the network and names without a folder (`System`) are told as they are.
pub(crate) fn dos_path(path: &str, volumes: &BTreeMap<char, String>) -> String {
    if let Some(share) = strip(path, r"\device\mup\") {
        return format!(r"\\{share}");
    }
    for (letter, device) in volumes {
        if let Some(rest) = strip(path, device)
            && (rest.is_empty() || rest.starts_with('\\'))
        {
            return format!("{letter}:{rest}");
        }
    }
    match strip(path, r"\??\") {
        Some(dos) => dos.to_owned(),
        None if strip(path, r"\device\").is_some() => format!(r"\\?\GLOBALROOT{path}"),
        None => path.to_owned(),
    }
}

/// What follows a prefix, which may have ASCII letters of another case.
fn strip<'p>(path: &'p str, prefix: &str) -> Option<&'p str> {
    let head = path.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &path[prefix.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_take_the_form_that_people_write() {
        let volumes = BTreeMap::from([
            ('C', r"\Device\HarddiskVolume3".to_owned()),
            ('D', r"\Device\HarddiskVolume33".to_owned()),
        ]);
        let cases = [
            (r"\device\harddiskvolume3\windows\curl.exe", r"C:\windows\curl.exe"),
            (r"\device\harddiskvolume33\x.exe", r"D:\x.exe"),
            (r"\device\harddiskvolume3", "C:"),
            (r"\device\harddiskvolume4\x.exe", r"\\?\GLOBALROOT\device\harddiskvolume4\x.exe"),
            (r"\device\mup\server\share\x.exe", r"\\server\share\x.exe"),
            (r"\??\e:\x.exe", r"e:\x.exe"),
            ("system", "system"),
            ("", ""),
            (r"\dévice\ä", r"\dévice\ä"),
        ];
        for (nt, dos) in cases {
            assert_eq!(dos_path(nt, &volumes), dos, "{nt}");
        }
    }
}
