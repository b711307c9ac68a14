//! `attachments` of `system.yaml`: which column names files, and in which folder of the export they are.

use crate::entries::{Problems, mapping};
use crate::yaml::Node;
use crate::{Attachments, Diagnostic};

const KEYS: &[&str] = &["table", "column", "folder", "strip", "sha256"];

pub(crate) fn read(node: &Node, problems: &mut Problems) -> Option<Attachments> {
    let what = "an `attachments` entry";
    let entries = mapping(node, what, KEYS, problems)?;
    let mut folder = entries.need_text("folder", what, problems);
    let bare = folder.value.trim_end_matches('/');
    let inside =
        |part: &str| !part.is_empty() && !part.starts_with(['.', '_']) && !part.contains(['\\', ':']);
    if !folder.value.is_empty() && !bare.split('/').all(inside) {
        let message = format!("`{}` is no folder inside an export", folder.value);
        problems.push(
            Diagnostic::error("attachment-folder", folder.place, message)
                .help("write it relative to the export, with `/`: `scans` or `files/scans`"),
        );
        return None;
    }
    folder.value = bare.to_owned();
    Some(Attachments {
        table: entries.need_text("table", what, problems),
        column: entries.need_text("column", what, problems),
        folder,
        strip: entries.filled("strip", problems).map(|text| text.value),
        sha256: entries.filled("sha256", problems),
    })
}
