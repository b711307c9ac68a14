//! What the words of a name are: forms of address, particles, generations; and how a name is written.

/// A name's words by their part.
#[derive(Debug)]
pub(super) struct Name<'a> {
    prefix: &'a [&'a str],
    given: &'a [&'a str],
    middle: &'a [&'a str],
    family: &'a [&'a str],
    suffix: &'a [&'a str],
}

/// Where the words of a name stand while it is read.
#[derive(Debug, Default)]
pub(super) struct Words<'t> {
    words: Vec<&'t str>,
}

impl<'a> Name<'a> {
    /// `None` where the text has no word, or a comma with nothing on one side.
    pub(super) fn read<'t: 'a>(text: &'t str, place: &'a mut Words<'t>) -> Option<Self> {
        let words = &mut place.words;
        // Before the comma stands the family name, unless a generation is all that follows.
        let parts = text.split_once(',').map(|(family, rest)| (family.trim(), rest.trim()));
        let family_words = match parts {
            Some((family, rest)) if !rest.split_whitespace().all(is_suffix) => {
                words.extend(rest.split(',').flat_map(str::split_whitespace));
                let count = family.split_whitespace().count();
                let at = words.len() - generations(words, 1);
                words.splice(at..at, family.split_whitespace());
                Some(count)
            }
            _ => {
                words.extend(text.split([',', ' ']).flat_map(str::split_whitespace));
                None
            }
        };
        let words: &'a [&'t str] = words;
        let prefixes = words.iter().take_while(|word| is_prefix(word)).count();
        let (prefix, words) = words.split_at_checked(prefixes)?;
        let (words, suffix) = words.split_at_checked(words.len() - generations(words, 2))?;
        let (given, rest) = words.split_at_checked(words.len().min(1))?;
        let family_words = match family_words {
            Some(count) => count,
            None => {
                let before = rest.get(..rest.len().saturating_sub(1))?;
                let particles = before.iter().rev().take_while(|word| is_particle(word)).count();
                rest.len().min(1 + particles)
            }
        };
        let (middle, family) = rest.split_at_checked(rest.len().checked_sub(family_words)?)?;
        Some(Self { prefix, given, middle, family, suffix })
    }

    pub(super) fn prefix(&self) -> &'a [&'a str] {
        self.prefix
    }

    pub(super) fn given(&self) -> &'a [&'a str] {
        self.given
    }

    pub(super) fn middle(&self) -> &'a [&'a str] {
        self.middle
    }

    pub(super) fn family(&self) -> &'a [&'a str] {
        self.family
    }

    pub(super) fn suffix(&self) -> &'a [&'a str] {
        self.suffix
    }
}

/// How many words at the end say a generation, behind at least `least` other words.
fn generations(words: &[&str], least: usize) -> usize {
    usize::from(words.len() > least && words.last().is_some_and(|word| is_suffix(word)))
}

/// The words with a space between them; `None` where there is none.
pub(super) fn write_words(words: &[&str], out: &mut String) -> Option<()> {
    for (index, word) in words.iter().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        out.push_str(word);
    }
    (!words.is_empty()).then_some(())
}

const PARTICLES: [&str; 35] = [
    "da", "das", "de", "do", "dos", "e", "du", "d'", "del", "della", "di", "la", "las", "los", "y", "van",
    "von", "der", "den", "het", "ter", "ten", "zu", "zum", "zur", "bin", "ibn", "bint", "al", "el", "le",
    "af", "av", "des", "dello",
];

const PREFIXES: [&str; 27] = [
    "dr", "dra", "sr", "sra", "srta", "srs", "prof", "profa", "profª", "mr", "mrs", "ms", "miss", "mx",
    "dona", "dom", "rev", "enf", "enfª", "enfa", "pe", "fr", "sir", "madam", "mme", "doutor", "doutora",
];

const SUFFIXES: [&str; 21] = [
    "jr", "sr", "junior", "júnior", "filho", "filha", "neto", "neta", "sobrinho", "sobrinha", "segundo",
    "terceiro", "ii", "iii", "iv", "v", "vi", "vii", "viii", "jnr", "snr",
];

/// Words that are small inside of a name.
pub(super) fn is_particle(word: &str) -> bool {
    is_one_of(word, &PARTICLES)
}

/// Forms of address, with or without a point.
pub(super) fn is_prefix(word: &str) -> bool {
    is_one_of(word.trim_end_matches('.'), &PREFIXES)
}

/// Generations, with or without a point.
fn is_suffix(word: &str) -> bool {
    is_one_of(word.trim_end_matches(['.', ',']), &SUFFIXES)
}

fn is_one_of(word: &str, words: &[&str]) -> bool {
    // The longest word has nine bytes.
    word.len() <= 9 && words.iter().any(|known| word.chars().flat_map(char::to_lowercase).eq(known.chars()))
}

/// A name with capital first letters and small particles.
pub(super) fn write_title_case(text: &str, out: &mut String) {
    let mut words = text.split_whitespace().enumerate().peekable();
    while let Some((index, word)) = words.next() {
        if index > 0 {
            out.push(' ');
        }
        // A particle stands before something: `Le Bin` ends in a name.
        let particle = index > 0 && words.peek().is_some() && is_particle(word);
        write_word(word, particle, index > 1, out);
    }
}

/// A generation, as `II`, comes third at the earliest: `Vi` is a given name.
fn write_word(word: &str, particle: bool, third: bool, out: &mut String) {
    let cased =
        |capital: bool| word.chars().any(|letter| letter.is_uppercase() == capital && is_cased(letter));
    let letters = word.chars().filter(|letter| letter.is_alphabetic()).count();
    if particle {
        out.extend(word.chars().flat_map(char::to_lowercase));
    } else if cased(true) && cased(false) {
        out.push_str(word);
    } else if third
        && letters > 1
        && is_suffix(word)
        && word.chars().all(|letter| "IVXivx.,".contains(letter))
    {
        out.extend(word.chars().flat_map(char::to_uppercase));
    } else {
        write_capitalised(word, out);
    }
}

fn is_cased(letter: char) -> bool {
    letter.is_uppercase() || letter.is_lowercase()
}

/// A capital at the start and after a hyphen, an apostrophe behind a single letter (`O'Neill`, not `Ana's`), and
/// `Mc`.
fn write_capitalised(word: &str, out: &mut String) {
    let (mut start, mut letters, mut scots) = (true, 0, false);
    for letter in word.chars() {
        if !letter.is_alphanumeric() {
            let apostrophe = matches!(letter, '\'' | '’');
            start = !apostrophe || letters == 1;
            letters = 0;
            out.push(letter);
            continue;
        }
        letters += 1;
        scots = match letters {
            1 => matches!(letter, 'm' | 'M'),
            2 => scots && matches!(letter, 'c' | 'C'),
            _ => scots,
        };
        if start || (letters == 3 && scots) {
            out.extend(letter.to_uppercase());
        } else {
            out.extend(letter.to_lowercase());
        }
        start = false;
    }
}
