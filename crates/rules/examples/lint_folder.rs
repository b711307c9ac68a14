//! Prints the diagnostics of a folder of rules: `path:line:col code message / help`.
#![expect(clippy::print_stdout, reason = "an example program prints")]

use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    let root = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let mut files = Vec::new();
    collect(Path::new(&root), Path::new(""), &mut files)?;
    files.sort();
    let (project, problems) = chartlift_rules::read(&files);
    for problem in &problems {
        let Some(file) = project.files.get(problem.place.file as usize) else { continue };
        let (line, column) = chartlift_rules::render_position(file, problem.place);
        let help = problem.help.as_deref().unwrap_or("-");
        let (path, code, message) = (file.path.display(), problem.code, &problem.message);
        println!("{path}:{line}:{column} {code} {message} / {help}");
    }
    println!("{} problems in {} files", problems.len(), files.len());
    Ok(())
}

fn collect(root: &Path, under: &Path, files: &mut Vec<(PathBuf, String)>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(root.join(under))? {
        let entry = entry?;
        let path = under.join(entry.file_name());
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        let ours = ["systems", "targets", "canonical", "maps", "chartlift.yaml"]
            .iter()
            .any(|top| path.starts_with(top));
        if hidden || !ours {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(root, &path, files)?;
        } else if let Ok(text) = std::fs::read_to_string(entry.path()) {
            files.push((path, text));
        }
    }
    Ok(())
}
