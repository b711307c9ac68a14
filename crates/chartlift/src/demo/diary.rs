//! When people come: appointments, and the visits that came of them, as every practice has them. What a system calls
//! them and how it writes them is said beside the system.

use chrono::{Days, NaiveDate};

use super::random::Random;

/// What a planned diary must know of a patient.
#[derive(Debug, Clone, Copy)]
pub(super) struct Person {
    pub(super) born: NaiveDate,
    pub(super) fate: Fate,
}

/// What becomes of a patient's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It arrives, with or without a hold.
    Arrives,
    /// A rule leaves it out, with everything that belongs to it.
    Deleted,
    /// As deleted, and nobody ever came.
    Test,
    /// It never becomes a patient, so nothing safety-critical may hang on it: an allergy without a patient stops the
    /// order, and the demo is to run through.
    Held,
}

pub(super) struct Diary {
    pub(super) slots: Vec<Slot>,
    pub(super) visits: Vec<Visit>,
}

pub(super) struct Slot {
    pub(super) id: u32,
    /// An index into the people; `None` for a block.
    pub(super) patient: Option<usize>,
    pub(super) doctor: u32,
    pub(super) day: NaiveDate,
    /// Of the day.
    pub(super) minute: u32,
    pub(super) state: State,
    pub(super) tele: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    Booked,
    Confirmed,
    Blocked,
    Kept,
    Missed,
    Cancelled,
}

impl State {
    pub(super) fn future(self) -> bool {
        matches!(self, Self::Booked | Self::Confirmed | Self::Blocked)
    }
}

pub(super) struct Visit {
    pub(super) id: u32,
    pub(super) slot: Option<u32>,
    pub(super) patient: usize,
    pub(super) doctor: u32,
    pub(super) day: NaiveDate,
    /// Of the day.
    pub(super) minute: u32,
    pub(super) tele: bool,
}

/// Counts the rows of sound patients, so that each defect has a row to itself.
#[derive(Default)]
pub(super) struct Turn(u32);

impl Turn {
    /// 1, 2, 3, ... for sound patients; 0 for others.
    pub(super) fn of(&mut self, sound: bool) -> u32 {
        if !sound {
            return 0;
        }
        self.0 += 1;
        self.0
    }
}

/// Past and future of a practice with `doctors` professionals, seen on `today`. Visits are at most 900 days ago.
pub(super) fn plan(random: &mut Random, today: NaiveDate, people: &[Person], doctors: u32) -> Diary {
    let mut diary = Diary { slots: Vec::new(), visits: Vec::new() };
    for (index, person) in people.iter().enumerate() {
        let fate = person.fate;
        if fate != Fate::Test {
            let past = if fate == Fate::Held { 1 } else { random.between(1, 3) };
            for _ in 0..past {
                past_slot(random, today, index, *person, doctors, &mut diary);
            }
        }
        if fate != Fate::Held && (fate == Fate::Test || random.chance(35)) {
            let day = later(today, random.between(3, 90));
            let state = if random.chance(50) { State::Booked } else { State::Confirmed };
            diary.slot(random, Some(index), doctors, day, state);
        }
        if matches!(fate, Fate::Arrives | Fate::Held) && random.chance(12) {
            let day = random.day_before(today, 5, 900).max(person.born);
            let (doctor, minute) = (random.between(1, doctors), random.between(480, 1000));
            diary.visit(Visit { id: 0, slot: None, patient: index, doctor, day, minute, tele: false });
        }
    }
    for _ in 0..2 * doctors {
        let day = later(today, random.between(3, 60));
        diary.slot(random, None, doctors, day, State::Blocked);
    }
    diary
}

fn past_slot(
    random: &mut Random,
    today: NaiveDate,
    index: usize,
    person: Person,
    doctors: u32,
    diary: &mut Diary,
) {
    let day = random.day_before(today, 5, 900).max(person.born);
    let kept = person.fate == Fate::Held || random.chance(80);
    let state =
        if kept { State::Kept } else { random.pick(&[State::Missed, State::Missed, State::Cancelled]) };
    diary.slot(random, Some(index), doctors, day, state);
    let slot = diary.slots.last().filter(|_| kept).map(|slot| (slot.id, slot.doctor, slot.minute, slot.tele));
    if let Some((id, doctor, minute, tele)) = slot {
        let minute = minute + random.below(10);
        diary.visit(Visit { id: 0, slot: Some(id), patient: index, doctor, day, minute, tele });
    }
}

fn later(day: NaiveDate, days: u32) -> NaiveDate {
    day.checked_add_days(Days::new(days.into())).unwrap_or(day)
}

impl Diary {
    fn slot(
        &mut self,
        random: &mut Random,
        patient: Option<usize>,
        doctors: u32,
        day: NaiveDate,
        state: State,
    ) {
        self.slots.push(Slot {
            id: 50_001 + u32::try_from(self.slots.len()).unwrap_or(u32::MAX - 50_001),
            patient,
            doctor: random.between(1, doctors),
            day,
            minute: 480 + 20 * random.below(28),
            state,
            tele: random.chance(15),
        });
    }

    fn visit(&mut self, visit: Visit) {
        let id = 70_001 + u32::try_from(self.visits.len()).unwrap_or(u32::MAX - 70_001);
        self.visits.push(Visit { id, ..visit });
    }
}
