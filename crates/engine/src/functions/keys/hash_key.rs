//! `hash_key`: a key of fixed length for rows that have none.

use std::fmt::Write as _;

use arrow::array::ArrayRef;
use datafusion::common::Result;
use sha2::{Digest, Sha256};

use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static HASH_KEY: Function = Function {
    name: "hash_key",
    summary: "Gives 32 hexadecimal digits that stand for the parts: the same parts always, other parts never.",
    details: "The first 16 bytes of the SHA-256 over every part with its length; a null part counts as such and \
              differs from empty text. Not secret: whoever can guess the parts can compute it.",
    domain: Domain::Keys,
    parameters: &[Parameter {
        name: "part",
        kind: ParameterType::KeyPart,
        description: "a part of the key, may be null; any number of them",
    }],
    repeated: 1,
    returns: ParameterType::Text,
    fallible: false,
    examples: &[
        Example { sql: "hash_key('a', 'bc')", result: Some("e2b7fe33247a57fb727beedd9a0a2c93") },
        Example { sql: "hash_key('ab', 'c')", result: Some("dd6ebd20e120d352082cdd552622abb7") },
        Example { sql: "hash_key('')", result: Some("a536aa3cede6ea3c1f3e0357c3c60e0f") },
        Example { sql: "hash_key(null)", result: Some("6e340b9cffb37a989ca544e6bb780a2c") },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let parts = call.texts_from(0)?;
    Ok(output::write_text(call.rows, |row, key| {
        let mut hash = Sha256::new();
        for part in &parts {
            match part.get(row) {
                None => hash.update([0]),
                Some(part) => {
                    hash.update([1]);
                    hash.update((part.len() as u64).to_be_bytes());
                    hash.update(part);
                }
            }
        }
        let digest: [u8; 32] = hash.finalize().into();
        let (first, _) = digest.split_first_chunk::<16>()?;
        write!(key, "{:032x}", u128::from_be_bytes(*first)).ok()
    }))
}
