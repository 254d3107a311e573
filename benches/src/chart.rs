//! A chart of the lookups and the paths: how long each contender takes for what takes Weir one unit of time.

use std::fmt::Write as _;

use crate::rounds::Table;

const WIDTH: f64 = 720.0;
const LABEL: f64 = 230.0;
const BAR: f64 = 16.0;

/// The chart of these tables as SVG.
pub(crate) fn svg(tables: &[Table]) -> String {
    let most = tables.iter().flat_map(|table| &table.lines).map(|line| line.ratio[0]).fold(1.0, f64::max);
    let scale = |ratio: f64| ratio.ln_1p() / most.ln_1p() * (WIDTH - LABEL - 120.0);
    let mut body = String::new();
    let mut y = 20.0;
    for table in tables {
        let _ = writeln!(body, "<text x=\"8\" y=\"{y:.0}\" font-weight=\"bold\">{}</text>", table.title);
        y += 8.0;
        for (place, line) in table.lines.iter().enumerate() {
            let colour = if place == 0 { "#2b6cb0" } else { "#a0aec0" };
            let _ = writeln!(
                body,
                "<text x=\"16\" y=\"{:.0}\">{}</text><rect x=\"{LABEL}\" y=\"{y:.0}\" width=\"{:.0}\" height=\"{:.0}\" \
                 fill=\"{colour}\"/><text x=\"{:.0}\" y=\"{:.0}\">{:.2}x, {:.1} ns</text>",
                y + BAR - 4.0,
                line.name,
                scale(line.ratio[0]),
                BAR - 3.0,
                LABEL + scale(line.ratio[0]) + 6.0,
                y + BAR - 4.0,
                line.ratio[0],
                line.ns,
            );
            y += BAR;
        }
        y += 22.0;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{y:.0}\" font-family=\"sans-serif\" \
         font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{body}</svg>\n"
    )
}
