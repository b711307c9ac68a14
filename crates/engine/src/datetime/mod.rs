//! Dates and times in text: patterns compiled once, read on every row.
//!
//! Patterns are PostgreSQL's template words, stricter than its `to_date`: what does not fit the pattern exactly is no
//! date. Years have four digits and lie between 0001 and 9999; days, months and hours may have one digit where
//! something other than a digit follows; days must exist. Two-digit years are refused when the pattern is compiled.

pub(crate) mod civil;
mod layout;
mod parse;
mod template;
#[cfg(test)]
mod tests;
mod zone;

use layout::Layout;
pub use zone::Zone;

pub(crate) use civil::MICROS_PER_DAY;
pub(crate) use parse::write_time;

/// Why a pattern cannot be used. The pattern is a rule's text, never a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    #[error("the pattern is empty")]
    Empty,
    #[error("a quoted text in the pattern is not closed")]
    UnclosedQuote,
    #[error("a year of two digits does not say its century")]
    TwoDigitYear,
    #[error("`{word}` is not a template word")]
    UnknownWord { word: String },
    #[error("the pattern names the {part} twice")]
    Twice { part: &'static str },
    #[error("the pattern lacks the {part}")]
    Lacks { part: &'static str },
    #[error("the pattern has AM or PM without a 12-hour hour, or the other way round")]
    Meridiem,
    #[error("a date has no time of day or offset to write")]
    TimeOfDate,
    #[error("`any` leaves the format to a guess")]
    Any,
}

impl PatternError {
    /// What to write instead.
    pub fn help(&self) -> &'static str {
        match self {
            Self::TwoDigitYear => "ask for an export with four-digit years; a century is never guessed",
            Self::UnclosedQuote => "close the double quote",
            Self::UnknownWord { .. } => {
                "use YYYY MM DD HH24 HH12 AM MI SS MS US Mon Month Dy Day TZH TZM OF, or the word ISO; put other letters in double quotes"
            }
            Self::Meridiem => "use HH24 alone, or HH12 with AM",
            Self::TimeOfDate => "write the date with YYYY MM DD, Mon, Month, Dy or Day only",
            Self::Any => "write the format down, e.g. `%d/%m/%Y`",
            Self::Empty | Self::Twice { .. } | Self::Lacks { .. } => {
                "a date needs YYYY, MM and DD, a time HH24 and MI, each once"
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Year,
    Month,
    MonthName,
    MonthShort,
    Day,
    DayName,
    DayShort,
    Hour24,
    Hour12,
    Meridiem,
    MeridiemDotted,
    Minute,
    Second,
    /// Digits after the decimal point, at most this many.
    Fraction(u8),
    OffsetHours,
    OffsetMinutes,
    Offset,
    /// The letter Z, which says UTC.
    Utc,
    Literal(String),
}

impl Item {
    /// The part of a date or time that the item says; every part is said at most once.
    fn part(&self) -> Option<&'static str> {
        match self {
            Self::Year => Some("year"),
            Self::Month | Self::MonthName | Self::MonthShort => Some("month"),
            Self::Day => Some("day"),
            Self::DayName | Self::DayShort => Some("day of the week"),
            Self::Hour24 | Self::Hour12 => Some("hour"),
            Self::Meridiem | Self::MeridiemDotted => Some("half of the day"),
            Self::Minute => Some("minute"),
            Self::Second => Some("second"),
            Self::Fraction(_) => Some("fraction of a second"),
            Self::OffsetHours | Self::Offset | Self::Utc => Some("offset"),
            Self::OffsetMinutes => Some("offset's minutes"),
            Self::Literal(_) => None,
        }
    }

    fn starts_with_digit(&self) -> bool {
        match self {
            Self::Literal(text) => text.starts_with(|first: char| first.is_ascii_digit()),
            Self::Year | Self::Month | Self::Day | Self::Hour24 | Self::Hour12 => true,
            Self::Minute | Self::Second | Self::Fraction(_) | Self::OffsetMinutes => true,
            _ => false,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    item: Item,
    /// PostgreSQL's `FM`: no padding when written, so fewer digits may be read.
    fill_mode: bool,
    /// Fewer digits than the usual width are read, too.
    short: bool,
}

impl From<Item> for Step {
    fn from(item: Item) -> Self {
        Self { item, fill_mode: false, short: false }
    }
}

/// A compiled date or time pattern.
#[derive(Debug, Clone)]
pub struct Pattern {
    form: Form,
}

#[derive(Debug, Clone)]
enum Form {
    Iso,
    Steps(Vec<Step>, Option<Layout>),
}

impl Pattern {
    /// ISO 8601, extended format.
    pub const ISO: Self = Self { form: Form::Iso };

    /// Compiles PostgreSQL template words, or the word `ISO`.
    pub fn compile(text: &str) -> Result<Self, PatternError> {
        if text == "ISO" {
            return Ok(Self::ISO);
        }
        Self::from_steps(template::template(text)?)
    }

    /// Compiles Table Schema's `format`: a `strptime` pattern, or `default`.
    pub fn strptime(text: &str) -> Result<Self, PatternError> {
        match text {
            "default" => Ok(Self::ISO),
            "any" => Err(PatternError::Any),
            _ => Self::from_steps(template::strptime(text)?),
        }
    }

    fn from_steps(mut steps: Vec<Step>) -> Result<Self, PatternError> {
        if steps.is_empty() {
            return Err(PatternError::Empty);
        }
        let mut said: Vec<&'static str> = Vec::new();
        for part in steps.iter().filter_map(|step| step.item.part()) {
            if said.contains(&part) {
                return Err(PatternError::Twice { part });
            }
            said.push(part);
        }
        let half = steps.iter().any(|step| step.item.part() == Some("half of the day"));
        if half != steps.iter().any(|step| step.item == Item::Hour12) {
            return Err(PatternError::Meridiem);
        }
        allow_short(&mut steps);
        let layout = Layout::of(&steps);
        Ok(Self { form: Form::Steps(steps, layout) })
    }

    fn says(&self, part: &str) -> bool {
        self.steps().is_none_or(|steps| steps.iter().any(|step| step.item.part() == Some(part)))
    }

    /// `None` for ISO.
    fn steps(&self) -> Option<&[Step]> {
        match &self.form {
            Form::Iso => None,
            Form::Steps(steps, _) => Some(steps),
        }
    }

    /// Whether the pattern says a whole date; nothing is padded in silence.
    pub fn check_date(&self) -> Result<(), PatternError> {
        self.check_parts(&["year", "month", "day"])
    }

    /// Whether the pattern says a year, with its month or a whole date where it says more, and no time of day.
    pub fn check_partial_date(&self) -> Result<(), PatternError> {
        self.check_parts(&["year"])?;
        if self.says("day") {
            self.check_parts(&["month"])?;
        }
        self.check_writable()
    }

    /// Whether the pattern says a time of day (hour and minute at least).
    pub fn check_time(&self) -> Result<(), PatternError> {
        self.check_parts(&["hour", "minute"])
    }

    pub fn check_datetime(&self) -> Result<(), PatternError> {
        self.check_date()?;
        self.check_time()
    }

    fn check_parts(&self, parts: &[&'static str]) -> Result<(), PatternError> {
        match parts.iter().find(|part| !self.says(part)) {
            Some(part) => Err(PatternError::Lacks { part }),
            None => Ok(()),
        }
    }
}

/// Where a digit cannot follow, one digit is as clear as two. Minutes and seconds of one digit are mutilated
/// numbers, unless the pattern says so (`FM`).
fn allow_short(steps: &mut [Step]) {
    let mut digit_follows = false;
    for step in steps.iter_mut().rev() {
        let clear =
            matches!(step.item, Item::Month | Item::Day | Item::Hour24 | Item::Hour12 | Item::Fraction(_));
        step.short = (clear || step.fill_mode) && !digit_follows;
        digit_follows = step.item.starts_with_digit();
    }
}
