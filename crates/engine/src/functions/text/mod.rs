//! Functions on text.

pub(super) mod between_text;
pub(super) mod count_text;
pub(super) mod digits;
pub(super) mod extract_text;
pub(super) mod fix_mojibake;
pub(super) mod fold_accents;
pub(super) mod join_text;
pub(super) mod keep_pattern;
pub(super) mod normalize_text;
pub(super) mod nth_word;
pub(super) mod null_if_blank;
pub(super) mod null_if_word;
pub(super) mod one_line;
pub(super) mod only_letters;
pub(super) mod pad_digits;
pub(super) mod plain_ascii;
pub(super) mod remove_nul;
pub(super) mod sentence_case;
pub(super) mod split_part_last;
pub(super) mod squeeze;
pub(super) mod strip_control;
pub(super) mod truncate_text;
