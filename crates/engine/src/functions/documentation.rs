//! The reference of all functions, made from what the functions say of themselves.

use std::fmt::Write as _;

use super::{Domain, Example, FUNCTIONS, Function};

/// Markdown: an overview, then every function with its parameters and examples.
pub fn documentation() -> String {
    let mut page = String::from(
        "# Functions\n\nFunctions for `sql:` in rules. None of them fails on data: what cannot be read is null, and \
         where a value was lost that way the row gets a mark. In the examples `\\n`, `\\u{a0}` \
         and their like stand for characters that show nothing.\n",
    );
    for domain in Domain::ALL {
        let _ = write!(page, "\n## {}\n", domain.title());
        for function in FUNCTIONS.iter().filter(|function| function.domain == domain) {
            page.push('\n');
            page.push_str(&function.documentation());
        }
    }
    page
}

impl Domain {
    pub const ALL: [Self; 9] = [
        Self::Text,
        Self::Names,
        Self::Dates,
        Self::Numbers,
        Self::Units,
        Self::Maps,
        Self::Keys,
        Self::Identifiers,
        Self::Notes,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Text => "Text",
            Self::Names => "Names of persons",
            Self::Dates => "Dates and times",
            Self::Numbers => "Numbers and booleans",
            Self::Units => "Units and measurements",
            Self::Maps => "Code maps",
            Self::Keys => "Keys, lists and JSON",
            Self::Identifiers => "Identifiers, phones and codes",
            Self::Notes => "Notes",
        }
    }
}

impl Function {
    /// One function's section of the reference.
    pub fn documentation(&self) -> String {
        let mut section = format!("### `{}`\n\n{}\n", self.signature(), self.summary);
        if !self.details.is_empty() {
            let _ = write!(section, "\n{}\n", self.details);
        }
        section.push_str("\n| parameter | type | meaning |\n| --- | --- | --- |\n");
        for parameter in self.parameters {
            let _ = writeln!(
                section,
                "| `{}` | {} | {} |",
                parameter.name,
                parameter.kind.name(),
                parameter.description
            );
        }
        let loss = if self.fallible { "; null, with a mark, when it cannot" } else { "" };
        let _ = write!(section, "\nGives {}{loss}.\n\n```sql\n", self.returns.name());
        for Example { sql, result } in self.examples {
            let result = result.map_or("null".to_owned(), |result| format!("{result:?}"));
            let _ = writeln!(section, "{}  -- {result}", visible(sql));
        }
        section.push_str("```\n");
        section
    }
}

/// Characters that show nothing, by their number; the examples hold some, and a page with them is no text file.
fn visible(sql: &str) -> String {
    let mut shown = String::with_capacity(sql.len());
    for character in sql.chars() {
        let unseen = match character {
            ' '..='~' => false,
            '\u{ad}' | '\u{200b}' | '\u{feff}' | '\u{300}'..='\u{36f}' => true,
            _ => character.is_control() || character.is_whitespace(),
        };
        if unseen {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}
