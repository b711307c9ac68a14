//! The page for signatures: who answers for what was read, and to which receipt the paper refers.

use std::io::Write;

use super::words::Words;
use super::{Page, Sheet};
use crate::exit::Failure;
use crate::report::markup::Markup;

pub(super) fn write<W: Write>(page: &Page<'_>, sheet: &mut Sheet<'_, W>) -> Result<(), Failure> {
    let words = sheet.words;
    sheet.section("signatures", words.signatures, true)?;
    let mut markup = Markup::default();
    markup.paragraph(words.sign_statement);
    match page.seal() {
        Some(seal) => {
            markup.raw(&format!("<p>{} {}</p>\n", Markup::text(words.sign_receipt), Markup::code(&seal)));
        }
        None => {
            markup.raw(&format!("<p class=\"no\">{}</p>\n", Markup::text(words.sign_no_receipt)));
        }
    }
    markup.push(&lines(words));
    sheet.put(&markup)?;
    sheet.end_section()
}

fn lines(words: &Words) -> Markup {
    let mut page = Markup::default();
    page.raw("<table class=\"sign\"><thead><tr>");
    let heads = [words.role, words.name, words.council, words.date, words.signature];
    for head in heads {
        page.raw(&format!("<th scope=\"col\">{}</th>", Markup::text(head)));
    }
    page.raw("</tr></thead>\n<tbody>\n");
    for who in [words.clinician, words.owner] {
        page.raw(&format!(
            "<tr><th scope=\"row\">{}</th><td></td><td></td><td></td><td></td></tr>\n",
            Markup::text(who)
        ));
    }
    page.raw("</tbody></table>\n");
    page
}
