//! `email`: gives an e-mail address of a possible form, its domain in small letters.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use crate::functions::output::Changed;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call};

pub(in crate::functions) static EMAIL: Function = Function {
    name: "email",
    summary: "Gives an e-mail address of a possible form, its domain in small letters.",
    details: "One `@`; before it 1 to 64 ASCII letters, digits or marks without two points in a row; \
              behind it labels of letters, digits and hyphens with at least one point, the last one of \
              letters. White space at the ends is left out. Whether the address exists cannot be said.",
    domain: Domain::Identifiers,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the address" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "email(' Ana.Silva@Example.ORG ')", result: Some("Ana.Silva@example.org") },
        Example { sql: "email('ana+x@clinica.com.br')", result: Some("ana+x@clinica.com.br") },
        Example { sql: "email('ana@localhost')", result: None },
        Example { sql: "email('ana..s@example.org')", result: None },
        Example { sql: "email('não tem')", result: None },
        Example { sql: "email(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    call.map_text(0, |text| {
        let address = text.trim();
        match address.split_once('@') {
            Some((local, domain)) if is_local(local) && is_domain(domain) => {
                if domain.bytes().any(|byte| byte.is_ascii_uppercase()) {
                    return Changed::To(format!("{local}@{}", domain.to_ascii_lowercase()));
                }
                Changed::part(text, address)
            }
            _ => Changed::Null,
        }
    })
}

fn is_local(local: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-.".contains(&byte);
    local.len() <= 64 && local.split('.').all(|part| !part.is_empty()) && local.bytes().all(allowed)
}

fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        let ends = !label.starts_with('-') && !label.ends_with('-');
        (1..=63).contains(&label.len())
            && ends
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let last = domain.rsplit_once('.').map(|(_, last)| last);
    let named = last
        .is_some_and(|last| last.len() >= 2 && last.starts_with(|first: char| first.is_ascii_alphabetic()));
    domain.len() <= 253 && named && domain.split('.').all(is_label)
}
