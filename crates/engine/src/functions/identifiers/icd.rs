//! The two parts of an ICD-10 code.

/// The three characters before the point and what stands behind it, with or without the point.
pub(super) fn category_and_detail(text: &str) -> Option<(&str, &str)> {
    let (category, detail) = text.trim().split_at_checked(3)?;
    let behind = detail.strip_prefix('.');
    // A point with nothing behind it is a code that was cut off, or the end of a sentence.
    Some((category, behind.unwrap_or(detail))).filter(|(_, detail)| behind.is_none() || !detail.is_empty())
}

pub(super) fn write_code(category: &str, detail: &str, out: &mut String) {
    out.push_str(category);
    if !detail.is_empty() {
        out.push('.');
        out.push_str(detail);
    }
    out.make_ascii_uppercase();
}
