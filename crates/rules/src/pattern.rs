//! `pattern`: XML Schema regular expressions, which always match the whole value.

use regex::Regex;

/// Compiles a `pattern` constraint so that it matches whole values only.
///
/// XML Schema's expressions have no anchors of their own (<https://www.w3.org/TR/xmlschema-2/#regexs>); a `^` and
/// `$` around the pattern, which many schemas write nevertheless, do no harm. The error is a plain sentence.
pub fn pattern_regex(pattern: &str) -> Result<Regex, String> {
    // Alone first: `a)|(b` would only become an expression inside the group.
    Regex::new(pattern).and_then(|_| Regex::new(&format!("^(?:{pattern})$"))).map_err(|error| {
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default().trim();
        last.strip_prefix("error: ").unwrap_or(last).to_owned()
    })
}
