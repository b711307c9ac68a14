//! Text that is HTML already, and the few pieces the report is built from. What is not written by us is escaped here
//! and nowhere else.

use std::fmt::{self, Display};

/// HTML. The only ways in are escaped text and what this program writes itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Markup(String);

impl Markup {
    pub(super) fn text(text: &str) -> Self {
        Self::escaped(text, |_| " ".to_owned())
    }

    /// What was written, to the letter: lines and tabs stay, and other signs that cannot be shown are named.
    pub(super) fn verbatim(text: &str) -> Self {
        Self::escaped(text, |control| match control {
            '\n' | '\t' => control.to_string(),
            other => format!("[U+{:04X}]", other as u32),
        })
    }

    fn escaped(text: &str, control: impl Fn(char) -> String) -> Self {
        let mut escaped = String::with_capacity(text.len());
        for letter in text.chars() {
            match letter {
                '&' => escaped.push_str("&amp;"),
                '<' => escaped.push_str("&lt;"),
                '>' => escaped.push_str("&gt;"),
                '"' => escaped.push_str("&quot;"),
                '\'' => escaped.push_str("&#39;"),
                // Signs that turn or hide what follows have no place in a name.
                '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                    escaped.push_str(&format!("[U+{:04X}]", letter as u32));
                }
                sign if sign.is_control() => escaped.push_str(&control(sign)),
                other => escaped.push(other),
            }
        }
        Self(escaped)
    }

    /// Text of several lines, for places that keep line breaks.
    pub(super) fn lines(text: &str) -> Self {
        let lines: Vec<String> = text.lines().map(|line| Self::text(line).0).collect();
        Self(lines.join("\n"))
    }

    pub(super) fn code(text: &str) -> Self {
        Self::default().wrapped("code", text)
    }

    /// Our own sentences, in which names stand between backticks.
    pub(super) fn prose(text: &str) -> Self {
        let mut prose = Self::default();
        for (at, piece) in text.split('`').enumerate() {
            prose.push(&if at % 2 == 1 { Self::code(piece) } else { Self::text(piece) });
        }
        prose
    }

    /// Adds HTML of ours; never anything that came from outside.
    pub(super) fn raw(&mut self, html: &str) {
        self.0.push_str(html);
    }

    pub(super) fn push(&mut self, other: &Self) {
        self.0.push_str(&other.0);
    }

    fn wrapped(mut self, element: &str, text: &str) -> Self {
        self.raw(&format!("<{element}>{}</{element}>", Self::text(text)));
        self
    }

    pub(super) fn paragraph(&mut self, text: &str) {
        self.raw(&format!("<p>{}</p>\n", Self::prose(text)));
    }

    pub(super) fn heading(&mut self, text: &str) {
        self.raw(&format!("<h3>{}</h3>\n", Self::prose(text)));
    }

    pub(super) fn list(&mut self, items: &[String]) {
        self.raw("<ul>");
        for item in items {
            self.raw(&format!("<li>{}</li>", Self::prose(item)));
        }
        self.raw("</ul>\n");
    }
}

impl Display for Markup {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<&str> for Markup {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Markup {
    fn from(text: String) -> Self {
        Self::text(&text)
    }
}

impl From<u64> for Markup {
    fn from(count: u64) -> Self {
        Self::text(&crate::output::grouped(count))
    }
}

/// How the cells of a column stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Words,
    Count,
}

/// A table with a caption; the first cell of a row names it.
pub(super) struct Grid {
    caption: String,
    columns: Vec<(&'static str, Kind)>,
    rows: Vec<Vec<Markup>>,
}

impl Grid {
    pub(super) fn new(caption: impl Into<String>, columns: &[(&'static str, Kind)]) -> Self {
        Self { caption: caption.into(), columns: columns.to_vec(), rows: Vec::new() }
    }

    pub(super) fn row(&mut self, cells: Vec<Markup>) {
        debug_assert_eq!(cells.len(), self.columns.len(), "a row has a cell for each column");
        self.rows.push(cells);
    }

    /// Nothing where there are no rows.
    pub(super) fn render(&self, into: &mut Markup) {
        if self.rows.is_empty() {
            return;
        }
        let caption = Markup::prose(&self.caption);
        // A wide table scrolls by itself, also by the keyboard.
        let label = Markup::text(&self.caption.replace('`', ""));
        into.raw(&format!("<div class=\"wide\" role=\"region\" aria-label=\"{label}\" tabindex=\"0\"><table>\n<caption>{caption}</caption>\n<thead><tr>"));
        for (name, kind) in &self.columns {
            into.raw(&format!("<th scope=\"col\"{}>{}</th>", class(*kind), Markup::text(name)));
        }
        into.raw("</tr></thead>\n<tbody>\n");
        for row in &self.rows {
            into.raw("<tr>");
            for (at, (cell, (_, kind))) in row.iter().zip(&self.columns).enumerate() {
                if at == 0 {
                    into.raw(&format!("<th scope=\"row\">{cell}</th>"));
                } else {
                    into.raw(&format!("<td{}>{cell}</td>", class(*kind)));
                }
            }
            into.raw("</tr>\n");
        }
        into.raw("</tbody></table></div>\n");
    }
}

fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Words => "",
        Kind::Count => " class=\"count\"",
    }
}

/// A share in percent, as exact as it takes to tell it from none and from all.
pub(super) fn share(part: u64, whole: u64) -> String {
    if whole == 0 || part > whole {
        return String::new();
    }
    if part == whole {
        return "100 %".into();
    }
    let percent = part as f64 * 100.0 / whole as f64;
    match percent {
        _ if part == 0 => "0 %".into(),
        small if small < 0.01 => "less than 0.01 %".into(),
        large if large > 99.99 => "more than 99.99 %".into(),
        some if some < 1.0 => format!("{some:.2} %"),
        some => format!("{some:.1} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(
            Markup::text("<i x='1'>&\"\n\u{202e}").to_string(),
            "&lt;i x=&#39;1&#39;&gt;&amp;&quot; [U+202E]"
        );
        assert_eq!(Markup::prose("a `<b>` c").to_string(), "a <code>&lt;b&gt;</code> c");
    }

    #[test]
    fn tables_name_their_rows_and_columns() {
        let mut grid = Grid::new("Files", &[("file", Kind::Words), ("read", Kind::Count)]);
        let mut page = Markup::default();
        grid.render(&mut page);
        assert_eq!(page, Markup::default());
        grid.row(vec!["<a>".into(), 1200.into()]);
        grid.render(&mut page);
        let text = page.to_string();
        assert!(
            text.contains("<caption>Files</caption>") && text.contains("<th scope=\"row\">&lt;a&gt;</th>"),
            "{text}"
        );
        assert!(text.contains("<td class=\"count\">1,200</td>"), "{text}");
    }

    #[test]
    fn shares_never_round_to_none_or_all() {
        for (part, whole, text) in [
            (0, 5, "0 %"),
            (5, 5, "100 %"),
            (1, 1_000_000, "less than 0.01 %"),
            (999_999, 1_000_000, "more than 99.99 %"),
            (3, 10_482, "0.03 %"),
            (1, 3, "33.3 %"),
            (1, 0, ""),
        ] {
            assert_eq!(share(part, whole), text);
        }
    }
}
