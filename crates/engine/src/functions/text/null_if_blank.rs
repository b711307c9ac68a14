//! `null_if_blank`: text of white space only is no value.

use datafusion::common::ScalarValue;
use datafusion::functions::string::expr_fn::btrim;
use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::{Expr, lit};

use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType};

/// What Unicode calls white space, as `char::is_whitespace` has it.
pub(in crate::functions) const WHITE_SPACE: &str = "\t\n\u{b}\u{c}\r \u{85}\u{a0}\u{1680}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\u{2006}\u{2007}\u{2008}\u{2009}\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}";

pub(in crate::functions) static NULL_IF_BLANK: Function = Function {
    name: "null_if_blank",
    summary: "Gives null for empty text and for text of white space only, else the text unchanged.",
    details: "",
    domain: Domain::Text,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the text" }],
    repeated: 0,
    returns: ParameterType::Text,
    // The null is the purpose, not a loss.
    fallible: false,
    examples: &[
        Example { sql: "null_if_blank(' Ana ')", result: Some(" Ana ") },
        Example { sql: "null_if_blank(' \u{a0}\t')", result: None },
        Example { sql: "null_if_blank('')", result: None },
        Example { sql: "null_if_blank(null)", result: None },
    ],
    body: Body::Expand(expression),
};

/// Trimming a text view copies nothing and looks at the ends only.
fn expression(arguments: Vec<Expr>) -> Expr {
    let text = arguments.into_iter().next().unwrap_or(Expr::Literal(ScalarValue::Utf8View(None), None));
    let constant = |text: Option<&str>| lit(ScalarValue::Utf8View(text.map(str::to_owned)));
    let blank = btrim(vec![text.clone(), constant(Some(WHITE_SPACE))]).eq(constant(Some("")));
    Expr::Case(Case::new(None, vec![(Box::new(blank), Box::new(constant(None)))], Some(Box::new(text))))
}

#[cfg(test)]
mod tests {
    #[test]
    fn white_space_is_complete() {
        let all: String = ('\0'..=char::MAX).filter(|character| character.is_whitespace()).collect();
        assert_eq!(super::WHITE_SPACE, all);
    }
}
