//! Names of tables: `table`, `schema.table`, and where a part has dots or quotes of its own, as SQL quotes it.

/// A table's name in its parts, exactly as the database has them: nothing is folded to lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) schema: Option<String>,
    pub(crate) table: String,
}

impl Name {
    /// `"a.b"."C ""d"""` has a schema `a.b`; without quotes the first dot ends the schema. What is quoted badly is
    /// taken as it stands: no table has such a name, and the catalogue says so.
    pub(crate) fn read(name: &str) -> Self {
        Self::quoted(name).unwrap_or_else(|| match name.split_once('.') {
            Some((schema, table)) => Self { schema: Some(schema.to_owned()), table: table.to_owned() },
            None => Self { schema: None, table: name.to_owned() },
        })
    }

    fn quoted(name: &str) -> Option<Self> {
        let (first, rest) = if name.starts_with('"') {
            part(name)?
        } else {
            let dot = name.find(".\"")?;
            (name.get(..dot)?.to_owned(), name.get(dot..)?)
        };
        let Some(rest) = rest.strip_prefix('.') else {
            return rest.is_empty().then_some(Self { schema: None, table: first });
        };
        let table = match part(rest) {
            Some((table, "")) => table,
            Some(_) => return None,
            None => rest.to_owned(),
        };
        Some(Self { schema: Some(first), table })
    }

    /// As SQL, every part quoted.
    pub(crate) fn sql(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{}.{}", quoted_part(schema), quoted_part(&self.table)),
            None => quoted_part(&self.table),
        }
    }
}

/// A quoted part at the beginning, and what follows it.
fn part(text: &str) -> Option<(String, &str)> {
    let mut rest = text.strip_prefix('"')?;
    let mut part = String::new();
    loop {
        let (before, after) = rest.split_once('"')?;
        part.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                part.push('"');
                rest = more;
            }
            None => return Some((part, after)),
        }
    }
}

/// A table's name as SQL.
pub(crate) fn quoted(name: &str) -> String {
    Name::read(name).sql()
}

/// One identifier as SQL.
pub(crate) fn quoted_part(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_case_dots_and_quotes() {
        for (name, sql) in [
            ("patients", "\"patients\""),
            ("Clinic.Patients", "\"Clinic\".\"Patients\""),
            ("a.b.c", "\"a\".\"b.c\""),
            ("\"a.b\"", "\"a.b\""),
            ("\"a.b\".\"C \"\"d\"\"\"", "\"a.b\".\"C \"\"d\"\"\""),
            ("\"a.b\".c", "\"a.b\".\"c\""),
            ("clinic.\"the table\"", "\"clinic\".\"the table\""),
            ("\"open", "\"\"\"open\""),
        ] {
            assert_eq!(quoted(name), sql, "{name}");
        }
    }
}
