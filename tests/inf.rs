//! The INF keeps the promises that NDIS, INetCfg and InfVerif hold a lightweight filter to; doctored copies are caught.

use std::collections::{BTreeMap, BTreeSet};

const INX: &str = include_str!("../inf/weir.inx");
/// What `$ARCH$` becomes.
const ARCHITECTURES: [&str; 2] = ["amd64", "arm64"];
/// First build in which a network service runs from the driver store.
const STORE_BUILD: u32 = 25319;
/// Windows 10 version 2004, the oldest supported.
const OLDEST_BUILD: u32 = 19041;
const NCF_LW_FILTER: u32 = 0x40000;
/// Characteristics that may stand beside `NCF_LW_FILTER`: hidden, not user removable, has UI.
const NCF_ALLOWED: u32 = NCF_LW_FILTER | 0x8 | 0x20 | 0x80;
const FILTER_CLASSES: [&str; 9] = [
    "scheduler",
    "encryption",
    "compression",
    "vpn",
    "loadbalance",
    "failover",
    "diagnostic",
    "custom",
    "provider_address",
];
const MEDIA: [&str; 7] = ["ethernet", "wlan", "wan", "ppip", "vwifi", "bluetooth", "tokenring"];

/// One line of a section: `key = value, value` or `value, value`.
#[derive(Debug)]
struct Line {
    number: usize,
    key: Option<String>,
    values: Vec<String>,
}

/// An INF file: section names in lower case.
#[derive(Debug, Default)]
struct Inf {
    sections: BTreeMap<String, Vec<Line>>,
}

/// Cuts `text` at `separator` outside quotation marks; quotation marks go, doubled ones become one.
fn split(text: &str, separator: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let current = parts.last_mut().expect("never empty");
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                current.push('"');
            }
            '"' => quoted = !quoted,
            c if c == separator && !quoted => parts.push(String::new()),
            c => current.push(c),
        }
    }
    parts.iter().map(|part| part.trim().to_owned()).collect()
}

/// The line without its comment.
fn uncommented(line: &str) -> &str {
    let mut quoted = false;
    let end = line.char_indices().find_map(|(at, c)| {
        quoted ^= c == '"';
        (c == ';' && !quoted).then_some(at)
    });
    line[..end.unwrap_or(line.len())].trim()
}

impl Inf {
    fn parse(text: &str) -> Result<Self, String> {
        let mut inf = Self::default();
        let mut section = None;
        let mut pending = String::new();
        for (number, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line)) {
            let line = uncommented(line);
            if let Some(start) = line.strip_suffix('\\') {
                pending.push_str(start);
                continue;
            }
            let line = std::mem::take(&mut pending) + line;
            if line.is_empty() {
                continue;
            }
            if let Some(name) = line.strip_prefix('[') {
                let name = name.strip_suffix(']').ok_or(format!("line {number}: section name without ]"))?;
                inf.sections.entry(name.to_lowercase()).or_default();
                section = Some(name.to_lowercase());
                continue;
            }
            if !line.matches('"').count().is_multiple_of(2) {
                return Err(format!("line {number}: open quotation mark"));
            }
            let section = section.as_ref().ok_or(format!("line {number}: outside every section"))?;
            // A quoted value may hold an equals sign; a key is never quoted here.
            let sign = line.find('=').filter(|&sign| !line[..sign].contains('"'));
            let (key, values) = match sign {
                Some(sign) => (Some(line[..sign].trim().to_owned()), line[sign + 1..].trim()),
                None => (None, line.as_str()),
            };
            let values = split(values, ',');
            inf.sections.get_mut(section).expect("entered above").push(Line { number, key, values });
        }
        Ok(inf)
    }

    fn lines(&self, section: &str) -> &[Line] {
        self.sections.get(&section.to_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// The values of `key` in `section`, over all its lines.
    fn values(&self, section: &str, key: &str) -> Vec<&str> {
        let lines = self.lines(section).iter();
        lines
            .filter(|line| line.key.as_deref().is_some_and(|k| k.eq_ignore_ascii_case(key)))
            .flat_map(|line| line.values.iter().map(String::as_str))
            .collect()
    }
}

fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Checks one INF; every finding is a sentence.
struct Checker<'a> {
    inf: &'a Inf,
    guid: &'a str,
    findings: Vec<String>,
    /// Sections that something led to.
    reached: BTreeSet<String>,
}

impl Checker<'_> {
    fn require(&mut self, condition: bool, finding: impl Into<String>) {
        if !condition {
            self.findings.push(finding.into());
        }
    }

    fn equal(&mut self, section: &str, key: &str, wanted: &[&str]) {
        let found = self.inf.values(section, key);
        let finding = format!("[{section}] {key} is {found:?}, not {wanted:?}");
        self.require(
            found.iter().zip(wanted).all(|(a, b)| a.eq_ignore_ascii_case(b)) && found.len() == wanted.len(),
            finding,
        );
    }

    fn section(&mut self, name: &str) {
        self.reached.insert(name.to_lowercase());
        self.require(
            self.inf.sections.contains_key(&name.to_lowercase()),
            format!("section [{name}] is missing"),
        );
    }

    fn version(&mut self) {
        self.section("Version");
        self.equal("Version", "Signature", &["$Windows NT$"]);
        self.equal("Version", "Class", &["NetService"]);
        self.equal("Version", "ClassGuid", &["{4D36E974-E325-11CE-BFC1-08002BE10318}"]);
        self.equal("Version", "CatalogFile", &["weir.cat"]);
        self.equal("Version", "PnpLockdown", &["1"]);
        self.equal("Version", "Provider", &["%Provider%"]);
        let version = self.inf.values("Version", "DriverVer");
        let date = version.first().copied().unwrap_or_default();
        let parts: Vec<_> =
            date.split('/').map(|part| (part.len(), part.parse::<u32>().unwrap_or(0))).collect();
        let dated = matches!(parts[..], [(2, 1..=12), (2, 1..=31), (4, 2025..)]);
        self.require(dated, format!("DriverVer has the date {date:?}, not mm/dd/yyyy"));
        let wanted = concat!(env!("CARGO_PKG_VERSION"), ".0");
        self.require(version.get(1) == Some(&wanted), format!("DriverVer {version:?} does not say {wanted}"));
    }

    /// The models sections, each with the build of its decoration.
    fn models(&mut self, architecture: &str) -> Vec<(String, u32)> {
        self.section("Manufacturer");
        let mut models = Vec::new();
        for line in self.inf.lines("Manufacturer") {
            let (base, decorations) = line.values.split_first().expect("split gives one value at least");
            for decoration in decorations {
                let name = format!("{base}.{decoration}");
                self.section(&name);
                let build = decoration
                    .strip_prefix(&format!("NT{architecture}.10.0..."))
                    .and_then(|build| build.parse().ok());
                self.require(
                    build.is_some(),
                    format!("[{name}] is not decorated NT{architecture}.10.0...BUILD"),
                );
                models.push((name, build.unwrap_or(0)));
            }
        }
        let mut builds: Vec<_> = models.iter().map(|model| model.1).collect();
        builds.sort_unstable();
        let wanted = [OLDEST_BUILD, STORE_BUILD];
        self.require(builds == wanted, format!("models for builds {builds:?}, not {wanted:?}"));
        models
    }

    /// One install section with its services, files and registry values.
    fn install(&mut self, name: &str, build: u32) {
        self.section(name);
        let inf = self.inf;
        let directory = if build >= STORE_BUILD { "13" } else { "12" };
        let characteristics = inf.values(name, "Characteristics");
        let bits = characteristics.first().and_then(|text| number(text)).unwrap_or(0);
        self.require(
            bits & NCF_LW_FILTER != 0 && bits & !NCF_ALLOWED == 0,
            format!("[{name}] Characteristics {bits:#x}: NCF_LW_FILTER must be set, and nothing that is for others"),
        );
        self.equal(name, "NetCfgInstanceId", &[self.guid]);
        let mut files = 0;
        for list in inf.values(name, "CopyFiles") {
            self.section(list);
            self.equal("DestinationDirs", list, &[directory]);
            for line in inf.lines(list) {
                files += 1;
                let file = line.values.first().map_or("", String::as_str);
                let disk = inf.values("SourceDisksFiles", file);
                let known = disk.first().is_some_and(|disk| !inf.values("SourceDisksNames", disk).is_empty());
                self.require(known, format!("{file} is not in SourceDisksFiles, or its disk has no name"));
                let plain = line.values.len() == 1;
                self.require(
                    plain,
                    format!("[{list}] {file} is renamed or flagged (not with a run from the driver store)"),
                );
            }
        }
        self.require(files > 0, format!("[{name}] copies nothing"));

        let services = format!("{name}.Services");
        self.section(&services);
        let added = inf.values(&services, "AddService");
        self.require(added.len() == 3 && added[0] == "weir", format!("[{services}] AddService is {added:?}"));
        if let Some(service) = added.get(2) {
            self.service(service, directory);
        }
        let removal = format!("{name}.Remove.Services");
        self.section(&removal);
        self.equal(&removal, "DelService", &["weir", "0x200"]);

        let lists = inf.values(name, "AddReg");
        self.ndi(&lists);
    }

    fn service(&mut self, name: &str, directory: &str) {
        self.section(name);
        self.equal(name, "ServiceType", &["1"]);
        self.equal(name, "StartType", &["1"]);
        self.equal(name, "ErrorControl", &["1"]);
        self.equal(name, "LoadOrderGroup", &["NDIS"]);
        self.equal(name, "ServiceBinary", &[&format!("%{directory}%\\weir.sys")]);
        let lists = self.inf.values(name, "AddReg");
        let values = self.registry(&lists);
        for key in values.keys().filter(|(key, _)| !key.starts_with("parameters")) {
            self.findings.push(format!("[{name}] writes {key:?} directly under the service's key"));
        }
        for (value, default) in [("FlowTableSize", "65536"), ("Observe", "0"), ("QuestionTableSize", "16384")]
        {
            let found = values.get(&("parameters".to_owned(), value.to_lowercase()));
            let dword = |(flags, data): &(u32, String)| flags & 0x0001_0001 == 0x0001_0001 && data == default;
            self.require(found.is_some_and(dword), format!("[{name}] Parameters\\{value} is {found:?}"));
        }
    }

    /// The registry values of AddReg sections: (key, name) in lower case, to (flags, data).
    fn registry(&mut self, lists: &[&str]) -> BTreeMap<(String, String), (u32, String)> {
        let mut values = BTreeMap::new();
        let inf = self.inf;
        for list in lists {
            self.section(list);
            for line in inf.lines(list) {
                let [root, key, name, flags, data @ ..] = &line.values[..] else {
                    self.findings.push(format!("line {}: not root, key, name, flags, data", line.number));
                    continue;
                };
                self.require(root == "HKR", format!("line {}: {root} is not HKR", line.number));
                let entry = (number(flags).unwrap_or(u32::MAX), data.join(", "));
                let twice = values.insert((key.to_lowercase(), name.to_lowercase()), entry).is_some();
                self.require(!twice, format!("line {}: {key}\\{name} is set twice", line.number));
            }
        }
        values
    }

    fn ndi(&mut self, lists: &[&str]) {
        let values = self.registry(lists);
        let wanted: [(&str, &str, u32, &str); 9] = [
            ("ndi", "service", 0, "weir"),
            ("ndi", "coservices", 0x0001_0000, "weir"),
            ("ndi", "filtertype", 0x0001_0001, "2"),
            ("ndi", "filterruntype", 0x0001_0001, "2"),
            ("ndi", "unbindonattach", 0x0001_0001, "0"),
            ("ndi", "unbindondetach", 0x0001_0001, "0"),
            ("ndi", "ndisbootstart", 0x0001_0001, "0"),
            ("ndi\\interfaces", "upperrange", 0, "noupper"),
            ("ndi\\interfaces", "lowerrange", 0, "nolower"),
        ];
        for (key, name, flags, data) in wanted {
            let found = values.get(&(key.to_owned(), name.to_owned()));
            let right = found.is_some_and(|found| *found == (flags, data.to_owned()));
            self.require(right, format!("{key}\\{name} is {found:?}, not {data:?} with flags {flags:#x}"));
        }
        let text = |key: &str, name: &str| {
            values.get(&(key.to_owned(), name.to_owned())).map_or("", |value| &value.1)
        };
        let class = text("ndi", "filterclass");
        self.require(
            FILTER_CLASSES.contains(&class),
            format!("ndi\\filterclass {class:?} is none that NDIS knows"),
        );
        self.require(
            text("ndi", "helptext").starts_with('%'),
            "ndi\\helptext is missing or not a string of [Strings]",
        );
        let media = text("ndi\\interfaces", "filtermediatypes");
        let known = media.split(',').map(str::trim).all(|medium| MEDIA.contains(&medium));
        self.require(
            known && media.contains("ethernet"),
            format!("filtermediatypes {media:?} are not media"),
        );
    }

    /// Every %token% is defined, every string is used, and no string hides in the file itself.
    fn strings(&mut self) {
        self.section("Strings");
        let inf = self.inf;
        let mut used = BTreeSet::new();
        for line in inf.sections.iter().filter(|(name, _)| *name != "strings").flat_map(|(_, lines)| lines) {
            for text in line.key.iter().chain(&line.values) {
                let tokens: Vec<_> = text.split('%').collect();
                for token in tokens.iter().skip(1).step_by(2).filter(|token| token.parse::<u32>().is_err()) {
                    used.insert(token.to_lowercase());
                    let defined = !inf.values("Strings", token).is_empty();
                    self.require(defined, format!("line {}: %{token}% is not in [Strings]", line.number));
                }
            }
        }
        for line in inf.lines("Strings") {
            let name = line.key.clone().unwrap_or_default();
            self.require(used.contains(&name.to_lowercase()), format!("string {name} is not used"));
        }
    }
}

/// All findings about `text`, a template, for one architecture.
fn check(text: &str, architecture: &str, guid: &str) -> Vec<String> {
    let inf = match Inf::parse(&text.replace("$ARCH$", architecture)) {
        Ok(inf) => inf,
        Err(finding) => return vec![finding],
    };
    let mut checker = Checker { inf: &inf, guid, findings: Vec::new(), reached: BTreeSet::new() };
    checker.require(text.is_ascii(), "a file with other characters than ASCII must be UTF-16");
    checker.version();
    for section in ["SourceDisksNames", "SourceDisksFiles", "DestinationDirs"] {
        checker.section(section);
    }
    let mut components = 0;
    for (models, build) in checker.models(architecture) {
        for line in inf.lines(&models) {
            components += 1;
            let [install, id] = &line.values[..] else {
                checker
                    .findings
                    .push(format!("line {}: not an install section and one component id", line.number));
                continue;
            };
            checker.require(id == "weir_lwf", format!("line {}: component id {id:?}", line.number));
            checker.install(install, build);
        }
    }
    checker
        .require(components == 2, format!("{components} components in the models sections, not one in each"));
    for file in inf.lines("SourceDisksFiles").iter().filter_map(|line| line.key.as_deref()) {
        let mut lists = inf.lines("DestinationDirs").iter().filter_map(|line| line.key.as_deref());
        let copied =
            lists.all(|list| inf.lines(list).iter().any(|line| line.values.iter().any(|name| name == file)));
        checker.require(copied, format!("{file} of SourceDisksFiles is not copied everywhere"));
    }
    checker.strings();
    for section in inf.sections.keys().filter(|name| !checker.reached.contains(*name)) {
        checker.findings.push(format!("nothing leads to section [{section}]"));
    }
    checker.findings
}

/// The filter's GUID as the driver tells it to NDIS, from the one file that holds the driver's GUIDs.
fn driver_guid() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/guids.rs");
    let text = std::fs::read_to_string(path).expect("src/guids.rs");
    let start = text.find("\"{").expect("src/guids.rs has the unique name in braces") + 1;
    let guid = &text[start..start + 38];
    assert!(guid.ends_with('}') && guid.matches('-').count() == 4, "{guid} is no GUID in braces");
    guid.to_owned()
}

#[test]
fn the_inf_is_right_for_both_architectures() {
    let guid = driver_guid();
    for architecture in ARCHITECTURES {
        assert_eq!(check(INX, architecture, &guid), Vec::<String>::new(), "{architecture}");
    }
    assert_eq!(INX.matches("NT$ARCH$").count(), 4, "two decorations, each named and defined");
}

/// Each doctored copy: what is replaced (everywhere), by what, and the words of the finding it must cause.
const DOCTORED: &[(&str, &str, &str)] = &[
    ("Class       = NetService", "Class       = Net", "[Version] Class"),
    ("$Windows NT$", "$Chicago$", "[Version] Signature"),
    ("4D36E974", "4D36E972", "[Version] ClassGuid"),
    ("PnpLockdown = 1", "PnpLockdown = 0", "PnpLockdown"),
    ("CatalogFile = weir.cat", "", "CatalogFile"),
    ("11/20/2026,", "2026/11/20,", "mm/dd/yyyy"),
    (",0.1.0.0", ",0.0.9.0", "DriverVer"),
    (", NT$ARCH$.10.0...25319", "", "models for builds"),
    ("NT$ARCH$", "NTx86", "not decorated"),
    ("[Weir.NT$ARCH$.10.0...19041]", "[Weir.NT$ARCH$]", "is missing"),
    (", weir_lwf", ", ms_weir", "component id"),
    ("Characteristics  = 0x40000", "Characteristics  = 0x40400", "Characteristics"),
    ("Characteristics  = 0x40000", "Characteristics  = 0x8", "Characteristics"),
    ("{6C7A9D3E", "{6C7A9D3F", "NetCfgInstanceId"),
    ("= Weir.Ndi", "= Weir.Nid", "[Weir.Nid] is missing"),
    ("CopyFiles        = Weir.Files.Store", "", "copies nothing"),
    ("Weir.Files.Store  = 13", "Weir.Files.Store  = 12", "[DestinationDirs] Weir.Files.Store"),
    ("Weir.Files.System = 12", "", "[DestinationDirs] Weir.Files.System"),
    ("weir.sys = 1\n", "", "not in SourceDisksFiles"),
    ("weir.sys = 1\n", "weir.sys = 1\nother.sys = 1\n", "other.sys of SourceDisksFiles"),
    ("1 = %Disk%", "2 = %Disk%", "its disk has no name"),
    (
        "AddService = weir,, Weir.Service.Store",
        "AddService = weir,, Weir.Service",
        "[Weir.Service] is missing",
    ),
    ("[Weir.Install.Store.Services]", "[Weir.Install.Stored.Services]", "nothing leads to section"),
    ("DelService = weir, 0x200", "DelService = weir", "DelService"),
    ("%13%\\weir.sys", "%12%\\weir.sys", "ServiceBinary"),
    ("LoadOrderGroup = NDIS", "LoadOrderGroup = Base", "LoadOrderGroup"),
    ("HKR, Ndi, Service, 0, \"weir\"", "HKR, Ndi, Service, 0, \"weird\"", "ndi\\service"),
    ("CoServices, 0x00010000", "CoServices, 0", "ndi\\coservices"),
    ("FilterType, 0x00010001, 2", "FilterType, 0x00010001, 1", "ndi\\filtertype"),
    ("FilterRunType, 0x00010001, 2", "FilterRunType, 0x00010001, 1", "ndi\\filterruntype"),
    ("UnbindOnAttach, 0x00010001, 0", "UnbindOnAttach, 0x00010001, 1", "ndi\\unbindonattach"),
    ("HKR, Ndi, NdisBootStart, 0x00010001, 0", "", "ndi\\ndisbootstart"),
    ("\"custom\"", "\"firewall\"", "ndi\\filterclass"),
    ("\"ethernet, wlan, bluetooth, ppip\"", "\"nolower\"", "filtermediatypes"),
    ("\"noupper\"", "\"ndis5\"", "upperrange"),
    ("HKR, Parameters, FlowTableSize", "HKR,, FlowTableSize", "directly under the service's key"),
    ("Observe, 0x00010003, 0", "Observe, 0x00010003, 1", "Parameters\\Observe"),
    ("HKR, Ndi, HelpText", "HKLM, Ndi, HelpText", "is not HKR"),
    ("Description = \"Weir network filter\"", "", "%Description% is not in [Strings]"),
    ("[Strings]", "[Strings]\nSpare = \"spare\"", "string Spare is not used"),
    ("[Weir.Parameters]", "[Weir.Parameters", "without ]"),
    ("\"Weir installation disk\"", "\"Weir installation disk", "open quotation mark"),
    ("The Weir developers", "Die Entwickler der Stauw\u{e4}chter", "ASCII"),
];

#[test]
fn every_doctored_inf_is_caught() {
    let guid = driver_guid();
    for (from, to, words) in DOCTORED {
        let doctored = INX.replace(from, to);
        assert_ne!(doctored, INX, "{from:?} is not in the INF");
        for architecture in ARCHITECTURES {
            let findings = check(&doctored, architecture, &guid);
            assert!(
                findings.iter().any(|finding| finding.contains(words)),
                "{from:?} -> {to:?}: {findings:#?}"
            );
        }
    }
}

#[test]
fn another_guid_in_the_driver_is_caught() {
    let findings = check(INX, "amd64", "{00000000-52B4-4F0B-9E61-1D7A3C5B8F20}");
    assert!(findings.iter().any(|finding| finding.contains("NetCfgInstanceId")), "{findings:#?}");
}
