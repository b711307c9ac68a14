//! No text makes the reader panic, and every place it reports lies inside the file.

use std::path::PathBuf;

use chartlift_rules::{Place, read, render_position};
use proptest::prelude::*;

use crate::sample;

fn assert_sound(files: &[(PathBuf, String)]) {
    let (project, problems) = read(files);
    for problem in problems {
        let Place { file, start, end } = problem.place;
        let file = &project.files[file as usize];
        assert!(file.text.get(start as usize..end as usize).is_some(), "{problem:?}");
        assert!(render_position(file, problem.place) >= (1, 1));
        assert!(chartlift_rules::code_named(problem.code).is_some(), "{} has no entry", problem.code);
        assert!(!problem.message.ends_with('.') && !problem.message.is_empty());
    }
}

/// Pieces that make YAML of all shapes, right and wrong.
fn piece() -> impl Strategy<Value = String> {
    let words = [
        "rules:",
        "- ",
        "name: x",
        "\n",
        "\n  ",
        "\n    ",
        "{ ",
        " }",
        "[",
        "]",
        ", ",
        ": ",
        "\"",
        "'",
        " # ",
        "|\n",
        "fields:",
        "&a ",
        "*a",
        "!t ",
        "? ",
        "---\n",
        "é",
        "\t",
        "\r\n",
        "\u{feff}",
        "~",
        "%",
        "spec: chartlift/v1\n",
        "type: date",
        "from: pacientes",
        "constraints:",
        "chartlift:",
        "primaryKey: id",
        "\u{0}",
        "\u{85}",
    ];
    prop_oneof![4 => prop::sample::select(words.to_vec()).prop_map(str::to_owned), 1 => ".{0,6}"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read(index in 0..sample::FILES.len(), pieces in prop::collection::vec(piece(), 0..30)) {
        let text = pieces.concat();
        assert_sound(&sample::with(&[(sample::FILES[index].0, text.as_str())]));
    }

    #[test]
    fn any_damage_is_survived(
        index in 0..sample::FILES.len(),
        at in any::<prop::sample::Index>(),
        length in 0..40usize,
        inserted in piece(),
    ) {
        let (path, text) = sample::FILES[index];
        let characters: Vec<char> = text.chars().collect();
        let at = at.index(characters.len() + 1);
        let rest = characters.get((at + length).min(characters.len())..).unwrap_or_default();
        let damaged: String = characters[..at].iter().copied().chain(inserted.chars()).chain(rest.iter().copied()).collect();
        assert_sound(&sample::with(&[(path, damaged.as_str())]));
    }
}
