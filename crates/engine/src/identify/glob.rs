//! File name patterns of packs: `*` and `?`, without regard to case, never across a folder.

/// True when the whole name fits the pattern.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_lowercase(), name.to_lowercase());
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut pattern_at) = (0, 0);
    // Where the last `*` stands, and up to where it has eaten: it eats one more whenever the rest does not fit.
    let mut star: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(pattern_at), name.get(at)) {
            (Some('*'), _) => {
                star = Some((pattern_at, at));
                pattern_at += 1;
                continue;
            }
            (Some('?'), Some(other)) if *other != '/' => {
                (at, pattern_at) = (at + 1, pattern_at + 1);
                continue;
            }
            (Some(wanted), Some(other)) if wanted == other => {
                (at, pattern_at) = (at + 1, pattern_at + 1);
                continue;
            }
            (None, None) => return true,
            _ => {}
        }
        match star {
            Some((star_at, eaten)) if name.get(eaten).is_some_and(|eaten| *eaten != '/') => {
                star = Some((star_at, eaten + 1));
                (at, pattern_at) = (eaten + 1, star_at + 1);
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let check = |pattern: &str, name: &str, expected: bool| {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        };
        check("patients.csv", "Patients.CSV", true);
        check("patients.csv", "patients.csv.bak", false);
        check("patients*.csv", "patients_2024.csv", true);
        check("patients*.csv", "patients.csv", true);
        check("*_*_?.txt", "a_b_c_d.txt", true);
        check("*_*_?.txt", "a_b.txt", false);
        check("*", "", true);
        check("", "a", false);
        check("*.csv", "old/patients.csv", false);
        check("old/*.csv", "old/patients.csv", true);
        check("a?c", "a/c", false);
        check("ação.csv", "AÇÃO.csv", true);
    }
}
