//! What every page of ours begins and ends with: nothing comes from elsewhere, nothing runs.

use super::markup::Markup;

const STYLE: &str = include_str!("style.css");

/// Everything up to the first thing on the page. `style` is added to what all pages share; it is ours.
pub(super) fn open(language: &str, title: &Markup, style: &str, skip: &str) -> String {
    let skip = Markup::text(skip);
    format!(
        "<!doctype html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{title}</title>\n<style>\n{STYLE}{style}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#main\">{skip}</a>\n<header><h1>{title}</h1></header>\n\
         <main id=\"main\">\n"
    )
}

pub(super) const CLOSE: &str = "</main>\n</body>\n</html>\n";
