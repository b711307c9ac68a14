//! `html_to_text`: takes the text out of a note in HTML.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::html;
use crate::functions::output::Changed;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call};

pub(in crate::functions) static HTML_TO_TEXT: Function = Function {
    name: "html_to_text",
    summary: "Takes the text out of a note in HTML.",
    details: "Blocks and `<br>` become line breaks, list items start with `- `, cells of tables become \
              tabs; scripts, styles and comments are left out; entities become their characters. White \
              space is what a browser shows, in `<pre>` all of it. Text without tags and entities stays \
              as it is. The original should be kept: links and looks are gone.",
    domain: Domain::Notes,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the note" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: false,
    examples: &[
        Example {
            sql: "html_to_text('<p>Paciente <b>est&aacute;vel</b>.</p><p>Retorno</p>')",
            result: Some("Paciente estável.\nRetorno"),
        },
        Example { sql: "html_to_text('a<br>b &lt; c &#8364;')", result: Some("a\nb < c €") },
        Example {
            sql: "html_to_text('<ul><li>AAS</li><li>Dipirona</li></ul>')",
            result: Some("- AAS\n- Dipirona"),
        },
        Example {
            sql: "html_to_text('<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>')",
            result: Some("a\tb\nc"),
        },
        Example { sql: "html_to_text('<style>p {}</style><!-- x -->PA < 120')", result: Some("PA < 120") },
        Example { sql: "html_to_text('a<b>b</b> c <d')", result: Some("ab c <d") },
        Example { sql: "html_to_text('a<!-- b > c')", result: Some("a") },
        Example { sql: "html_to_text('<a title=\"x > y\">z</a>')", result: Some("z") },
        Example { sql: "html_to_text('<p></p>')", result: Some("") },
        Example { sql: "html_to_text(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    call.map_text(0, |text| match text.contains(['<', '&']) {
        true => Changed::to_or_null(text, Some(html::text(text))),
        false => Changed::Same,
    })
}
