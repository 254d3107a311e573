//! Pages that show the sources with what was executed.

use std::fmt::Write as _;
use std::path::Path;

use super::Count;
use super::Source;
use super::write as write_file;
use crate::failure::Failure;

const STYLE: &str = "\
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em; color: #222; background: #fff }
table { border-collapse: collapse; width: 100% } td, th { padding: .15em .6em; text-align: left }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums } tbody tr:hover { background: #f3f3f3 }
tr.sum { font-weight: bold; border-top: 1px solid #999 } meter { width: 10em }
pre { margin: 0; font: 13px/1.4 ui-monospace, monospace; tab-size: 4 } pre span { display: block; white-space: pre-wrap }
pre span::before { content: attr(data-n); display: inline-block; width: 4em; margin-right: 1em; text-align: right; color: #888 }
.hit { background: #e3f5e3 } .miss { background: #fbe0e0 } a { color: #05a }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #1b1b1b } .hit { background: #16351b } .miss { background: #4a1f1f }
a { color: #8bf } tbody tr:hover { background: #2a2a2a } }
";

/// Writes `index.html` and a page for each file.
pub(super) fn write(directory: &Path, image: &str, files: &[Source], lines: Count) -> Result<(), Failure> {
    for source in files {
        write_file(&directory.join(page_name(&source.name)), &page(source))?;
    }
    write_file(&directory.join("index.html"), &index(image, files, lines))
}

fn page_name(source: &str) -> String {
    // Names stay apart: a source file has no `~` where a directory ends.
    format!("{}.html", source.replace('/', "~"))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<h1>{title}</h1>\n{body}</body>\n</html>\n",
        title = escape(title)
    )
}

fn row(class: &str, name: &str, count: Count) -> String {
    let Count { executed, all } = count;
    format!(
        "<tr{class}><td>{name}</td><td class=\"n\">{all}</td><td class=\"n\">{executed}</td>\
         <td class=\"n\">{:.1}</td><td><meter max=\"{all}\" value=\"{executed}\"></meter></td></tr>\n",
        count.percent()
    )
}

fn index(image: &str, files: &[Source], lines: Count) -> String {
    let mut body = String::from(
        "<p>Lines of which the image has instructions, and those of which the lab executed any. The image is an optimised \
         one: what the compiler merged or left out is not shown.</p>\n<table>\n<thead><tr><th>File</th><th class=\"n\">Lines</th>\
         <th class=\"n\">Executed</th><th class=\"n\">%</th><th></th></tr></thead>\n<tbody>\n",
    );
    for source in files {
        let name = escape(&source.name);
        let link = format!("<a href=\"{}\">{name}</a>", escape(&page_name(&source.name)));
        body += &row("", &link, source.count());
    }
    body += &row(" class=\"sum\"", "all files", lines);
    body += "</tbody>\n</table>\n<h2>Functions never entered</h2>\n<ul>\n";
    for source in files {
        for (function, line) in source.missed_functions() {
            let page = escape(&page_name(&source.name));
            let _ = writeln!(
                body,
                "<li><a href=\"{page}#L{line}\">{}:{line}</a> <code>{}</code></li>",
                escape(&source.name),
                escape(&function)
            );
        }
    }
    body += "</ul>\n";
    document(&format!("Coverage of {image}: {:.1} %", lines.percent()), &body)
}

fn page(source: &Source) -> String {
    let count = source.count();
    let mut body = format!(
        "<p><a href=\"index.html\">All files</a> · {} of {} lines, {:.1} %</p>\n<pre>\n",
        count.executed,
        count.all,
        count.percent()
    );
    for (number, line) in (1_u32..).zip(source.text.lines()) {
        let class = match source.measured.lines.get(&number) {
            Some(true) => " class=\"hit\"",
            Some(false) => " class=\"miss\"",
            None => "",
        };
        let _ = writeln!(body, "<span id=\"L{number}\" data-n=\"{number}\"{class}>{}</span>", escape(line));
    }
    body += "</pre>\n";
    document(&source.name, &body)
}

#[cfg(test)]
mod tests {
    use lab::coverage::Function;
    use lab::coverage::SourceFile;

    use super::*;

    #[test]
    fn a_page_shows_hit_and_missed_lines() {
        let function = Function { line: 2, executed: false };
        let measured = SourceFile {
            lines: [(1, true), (2, false)].into(),
            functions: [("x::b<u8>".to_owned(), function)].into(),
        };
        let text = "fn a() -> Option<u8> {}\nfn b() {}\n// end\n".to_owned();
        let source = Source { name: "src/x.rs".into(), text, measured };
        let page = page(&source);
        assert!(
            page.contains("data-n=\"1\" class=\"hit\">fn a() -&gt; Option&lt;u8&gt; {}</span>"),
            "{page}"
        );
        assert!(page.contains("id=\"L2\" data-n=\"2\" class=\"miss\">fn b() {}</span>"), "{page}");
        assert!(page.contains("data-n=\"3\">// end</span>"), "{page}");
        let index = index("x.sys", &[source], Count { executed: 1, all: 2 });
        assert!(index.contains("<title>Coverage of x.sys: 50.0 %</title>"), "{index}");
        assert!(index.contains("src~x.rs.html#L2\">src/x.rs:2</a> <code>x::b&lt;u8&gt;</code>"), "{index}");
    }
}
