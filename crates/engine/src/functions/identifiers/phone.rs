//! Phone numbers by the numbering plans of libphonenumber.

use std::str::FromStr;

use phonenumber::PhoneNumber;
use phonenumber::country::Id;

/// A country or territory by its two capital letters.
pub(in crate::functions) fn region(text: &str) -> Option<Id> {
    Id::from_str(text).ok()
}

/// A number that its plan has. The library stops where it understands no more, so what is not part of a number is
/// refused here.
pub(super) fn phone(text: &str, region: Id) -> Option<PhoneNumber> {
    let part = |character: char| {
        character.is_ascii_digit() || matches!(character, '+' | '(' | ')' | '-' | '.' | ' ')
    };
    let text = text.trim();
    if text.is_empty() || text.len() > 40 || !text.chars().all(part) {
        return None;
    }
    phonenumber::parse(Some(region), text).ok().filter(PhoneNumber::is_valid)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        /// The library takes texts apart itself: no text of our characters may make it panic.
        #[test]
        fn any_text_is_taken(text in "[0-9+(). -]{0,24}") {
            for region in [Id::BR, Id::US, Id::GB, Id::AR] {
                let _ = phone(&text, region);
            }
        }
    }
}
