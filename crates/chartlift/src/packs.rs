//! The rule files of a project: the packs compiled into this program, overlaid with the project's own files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use crate::exit::Failure;

static SYSTEMS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../systems");
static TARGETS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../targets");
static CANONICAL: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../canonical");
static MAPS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../maps");

/// Folders that hold rules, in a project and in this program.
const FOLDERS: [(&str, &Dir<'_>); 4] =
    [("systems", &SYSTEMS), ("targets", &TARGETS), ("canonical", &CANONICAL), ("maps", &MAPS)];

/// `system/version/categorize/file` and one to spare; a link in a circle ends here.
const DEPTH_LIMIT: usize = 6;

/// A rule file is written by people; a bigger one is data in the wrong place.
const FILE_BYTES_LIMIT: u64 = 64 << 20;

/// All rule files by path, relative to the project's folder. Without a project only the ones compiled in.
pub(crate) fn files(project: Option<&Path>) -> Result<Vec<(PathBuf, String)>, Failure> {
    let mut files = BTreeMap::new();
    for (folder, dir) in FOLDERS {
        compiled_in(Path::new(folder), dir, &mut files);
    }
    if let Some(root) = project {
        read(&root.join("chartlift.yaml"), Path::new("chartlift.yaml"), &mut files)?;
        for (folder, _) in FOLDERS {
            walk(&root.join(folder), Path::new(folder), DEPTH_LIMIT, &mut files)?;
        }
    }
    Ok(files.into_iter().collect())
}

fn compiled_in(folder: &Path, dir: &Dir<'_>, files: &mut BTreeMap<PathBuf, String>) {
    for file in dir.files().filter(|file| is_rule_file(file.path())) {
        if let Some(text) = file.contents_utf8() {
            files.insert(folder.join(file.path()), text.to_owned());
        }
    }
    for inner in dir.dirs() {
        compiled_in(folder, inner, files);
    }
}

fn walk(
    folder: &Path,
    relative: &Path,
    depth: usize,
    files: &mut BTreeMap<PathBuf, String>,
) -> Result<(), Failure> {
    if depth == 0 || !folder.is_dir() {
        return Ok(());
    }
    let entries = std::fs::read_dir(folder).map_err(Failure::file("read the folder", folder))?;
    for entry in entries {
        let entry = entry.map_err(Failure::file("read the folder", folder))?;
        let (path, relative) = (entry.path(), relative.join(entry.file_name()));
        if path.is_dir() {
            walk(&path, &relative, depth - 1, files)?;
        } else if is_rule_file(&path) {
            read(&path, &relative, files)?;
        }
    }
    Ok(())
}

fn read(path: &Path, relative: &Path, files: &mut BTreeMap<PathBuf, String>) -> Result<(), Failure> {
    let length = std::fs::metadata(path).map_err(Failure::file("read", path))?.len();
    if length > FILE_BYTES_LIMIT {
        return Err(Failure::usage(
            "file-error",
            format!("`{}` is too long for a rule file", path.display()),
        )
        .hint(format!("expected at most {} MB", FILE_BYTES_LIMIT >> 20)));
    }
    let bytes = std::fs::read(path).map_err(Failure::file("read", path))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::usage("file-error", format!("`{}` is not UTF-8 at byte {at}", path.display()))
            .hint("save the file as UTF-8")
    })?;
    files.insert(relative.to_path_buf(), text);
    Ok(())
}

fn is_rule_file(path: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let kind = path.extension().and_then(|extension| extension.to_str());
    !hidden && matches!(kind, Some("yaml" | "yml" | "csv" | "sql"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_projects_own_file_wins_and_other_files_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir_all(root.join("maps")).unwrap();
        std::fs::write(root.join("chartlift.yaml"), "spec: chartlift/v1\n").unwrap();
        std::fs::write(root.join("maps/own.csv"), "source\n").unwrap();
        std::fs::write(root.join("maps/notes.md"), "not a rule").unwrap();
        let files = files(Some(root)).unwrap();
        let paths: Vec<&str> = files.iter().filter_map(|(path, _)| path.to_str()).collect();
        assert!(paths.contains(&"chartlift.yaml") && paths.contains(&"maps/own.csv"), "{paths:?}");
        assert!(!paths.contains(&"maps/notes.md"), "{paths:?}");
    }

    /// Whatever is a patient's says how confidential it is, and target `clinic` never gives it less than its chart has.
    #[test]
    fn confidentiality_is_on_every_record_of_a_patient() {
        let (project, _) = chartlift_rules::read(&files(None).unwrap());
        let of_patients: Vec<&str> = project
            .categories
            .iter()
            .filter(|(_, schema)| schema.extension.patient.is_some())
            .map(|(name, _)| name.as_str())
            .collect();
        assert!(of_patients.len() > 15, "{of_patients:?}");
        for name in &of_patients {
            let schema = &project.categories[*name];
            assert!(
                schema.field("confidentiality").is_some() && schema.field("conf_reason").is_some(),
                "{name}"
            );
        }
        let clinic = project.targets.iter().find(|target| target.name == "clinic").unwrap();
        let rules = clinic.convert.iter().flat_map(|file| &file.rules);
        for rule in rules.filter(|rule| of_patients.contains(&rule.from.value.as_str())) {
            let field = rule.fields.iter().find(|field| field.field.value == "confidentiality").unwrap();
            let from_chart = match &field.value {
                chartlift_rules::FieldValue::Sql(sql) => sql.value.contains("chart.confidentiality"),
                _ => rule.from.value == "patient",
            };
            assert!(from_chart, "{}", rule.name.value);
        }
    }
}
