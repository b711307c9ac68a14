//! `json_text`: gives one value of a JSON text.

use std::borrow::Cow;

use arrow::array::ArrayRef;
use datafusion::common::Result;
use serde::de::IgnoredAny;

use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static JSON_TEXT: Function = Function {
    name: "json_text",
    summary: "Gives one value of a JSON text.",
    details: "The path is a JSON pointer (RFC 6901): `/address/city`, `/phones/0`; an empty path is the \
              whole. Texts come without their quotes, everything else as it is written. JSON null is \
              null. Null, with a mark, for text that is not JSON and for a path that leads nowhere.",
    domain: Domain::Keys,
    parameters: &[
        Parameter { name: "text", kind: ParameterType::Text, description: "the JSON text" },
        Parameter { name: "path", kind: ParameterType::Literal, description: "the JSON pointer" },
    ],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example {
            sql: "json_text('{\"address\": {\"city\": \"S\\u00e3o Paulo\"}}', '/address/city')",
            result: Some("São Paulo"),
        },
        Example { sql: "json_text('{\"phones\": [11, 12.50]}', '/phones/1')", result: Some("12.50") },
        Example { sql: "json_text('[1, {\"a~b\": true}]', '/1')", result: Some("{\"a~b\": true}") },
        Example { sql: "json_text('{\"a/b\": \"}\", \"c\": 2}', '/c')", result: Some("2") },
        Example { sql: "json_text('{\"a/b\": 1}', '/a~1b')", result: Some("1") },
        Example { sql: "json_text('{\"a\": 1}', '/b')", result: None },
        Example { sql: "json_text('{\"a\": ', '/a')", result: None },
        Example { sql: "json_text('{\"a\": null}', '/a')", result: None },
        Example { sql: "json_text(null, '/a')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let (texts, paths) = (call.text(0)?, call.text(1)?);
    Ok(output::write_text(call.rows, |row, found| {
        let text = texts.get(row)?;
        // Valid as a whole, so that what follows only has to find ends. A number must not go through a float.
        let _: IgnoredAny = serde_json::from_str(text).ok()?;
        let value = at_path(text.trim(), paths.get(row)?)?;
        match value.as_bytes() {
            b"null" => return None,
            [b'"', ..] => found.push_str(&serde_json::from_str::<Cow<'_, str>>(value).ok()?),
            _ => found.push_str(value),
        }
        Some(())
    }))
}

fn at_path<'t>(value: &'t str, path: &str) -> Option<&'t str> {
    if path.is_empty() {
        return Some(value);
    }
    path.strip_prefix('/')?
        .split('/')
        .try_fold(value, |value, step| member(value, &step.replace("~1", "/").replace("~0", "~")))
}

/// The value of a member of an object, or of an item of an array.
fn member<'t>(value: &'t str, step: &str) -> Option<&'t str> {
    let is_object = value.starts_with('{');
    let mut rest = value.strip_prefix(['{', '['])?.trim_start();
    let mut index = 0_usize;
    loop {
        let mut found = !is_object && step.parse() == Ok(index);
        if is_object {
            let (key, after) = rest.split_at_checked(length(rest)?)?;
            found = serde_json::from_str::<Cow<'_, str>>(key).ok()? == step;
            rest = after.trim_start().strip_prefix(':')?.trim_start();
        }
        let (item, after) = rest.split_at_checked(length(rest)?)?;
        if found {
            return Some(item);
        }
        rest = after.trim_start().strip_prefix(',')?.trim_start();
        index += 1;
    }
}

/// The length of the value at the start; `None` where the array or object ends.
fn length(text: &str) -> Option<usize> {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => {
                in_text = !in_text;
                if !in_text && depth == 0 {
                    return Some(at + 1);
                }
            }
            _ if in_text => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth > 1 => depth -= 1,
            b'}' | b']' if depth == 1 => return Some(at + 1),
            b',' | b' ' | b'\t' | b'\r' | b'\n' | b'}' | b']' if depth == 0 => return (at > 0).then_some(at),
            _ => {}
        }
    }
    Some(text.len()).filter(|length| *length > 0)
}
