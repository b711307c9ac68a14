//! Orders on a local disk: `STORAGE/migrations/migration_{ID}/`, their log, their lock, their attempts.
//!
//! Anybody may read an order. Only who holds its lock ([`Locked`]) adds to its log or makes artefacts. Artefacts
//! are made under the number of an attempt and exist for others once a `done` record names them.

mod attempt;
mod clock;
mod event;
mod files;
mod log;

use std::fs::File;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use attempt::{Attempt, Outcome};
pub use clock::{Clock, FixedClock};
pub use event::{Done, Event, FORMAT, InputSpec, OrderSpec, Record};
pub use files::{make_folder, replace, replace_with, sync_tree};

use crate::Error;
use crate::statement::{Stage, Verdict};

/// What every order's folder holds beside its lock.
const FOLDERS: [&str; 12] = [
    "log",
    "decisions",
    "input_files",
    "checked_files",
    "categorized_files",
    "converted_files",
    "validated_files",
    "rejects",
    "delta",
    "clinical",
    "reports",
    "logs",
];

const ID_LENGTH_LIMIT: usize = 64;

/// The largest file of decisions that is read.
const DECISION_BYTES_LIMIT: u64 = 64 << 20;

/// All orders of one storage place.
#[derive(Clone)]
pub struct Store {
    /// `STORAGE/migrations`
    folder: PathBuf,
    actor: String,
    clock: Arc<dyn Clock>,
}

/// What [`Store::create`] found.
pub enum Creation {
    New(Order),
    /// The order was there already and asks for the same.
    Already(Order),
}

impl Creation {
    pub fn into_order(self) -> Order {
        match self {
            Self::New(order) | Self::Already(order) => order,
        }
    }
}

impl Store {
    /// `actor` is written into every record.
    pub fn new(storage: &Path, actor: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        Self { folder: storage.join("migrations"), actor: actor.into(), clock }
    }

    /// Makes an order. Asking again for the same is fine; asking for something else under the same id is a conflict.
    pub fn create(&self, spec: OrderSpec) -> Result<Creation, Error> {
        check_id(&spec.id)?;
        let root = self.root(&spec.id);
        for folder in FOLDERS {
            make_folder(&root.join(folder))?;
        }
        let _lock = lock_file(&root, &spec.id)?;
        let mut log = log::Log::open(&root.join("log"))?;
        if log.records().is_empty() {
            log.append(Event::Created(spec), self.clock.now(), &self.actor)?;
            for folder in [root.join("log"), root.clone(), self.folder.clone()] {
                files::sync_folder(&folder)?;
            }
            return Ok(Creation::New(self.order(root, log)?));
        }
        let order = self.order(root, log)?;
        if order.spec.asks_the_same(&spec) {
            return Ok(Creation::Already(order));
        }
        Err(Error::Conflict {
            code: "order-exists",
            message: format!("order `{}` exists and asks for something else", spec.id),
            hint: format!("choose another id, or see it with `chartlift order show {}`", spec.id),
        })
    }

    /// Opens an order for reading; the whole log is verified.
    pub fn open(&self, id: &str) -> Result<Order, Error> {
        check_id(id)?;
        let root = self.root(id);
        let log = log::Log::open(&root.join("log"))?;
        if log.records().is_empty() {
            return Err(Error::Usage {
                code: "order-not-found",
                message: format!("there is no order `{id}` in `{}`", self.folder.display()),
                hint: "see `chartlift order list`, or make it with `chartlift order create`".to_owned(),
            });
        }
        self.order(root, log)
    }

    /// The ids of all orders, sorted. None of them is opened, so that a broken one hides no other.
    pub fn list(&self) -> Result<Vec<String>, Error> {
        let names = files::names(&self.folder)?;
        Ok(names
            .iter()
            .filter_map(|name| name.strip_prefix("migration_"))
            .filter(|id| check_id(id).is_ok() && self.root(id).join("log").join(log::file_name(0)).is_file())
            .map(str::to_owned)
            .collect())
    }

    fn root(&self, id: &str) -> PathBuf {
        self.folder.join(format!("migration_{id}"))
    }

    fn order(&self, root: PathBuf, log: log::Log) -> Result<Order, Error> {
        let Some(Event::Created(spec)) = log.records().first().map(|record| &record.event) else {
            return Err(not_created(&root));
        };
        let spec = spec.clone();
        if root != self.root(&spec.id) {
            return Err(not_created(&root));
        }
        Ok(Order { root, spec, log, actor: self.actor.clone(), clock: Arc::clone(&self.clock) })
    }
}

/// One order as its log says, for reading.
pub struct Order {
    root: PathBuf,
    spec: OrderSpec,
    log: log::Log,
    actor: String,
    clock: Arc<dyn Clock>,
}

impl Order {
    pub fn spec(&self) -> &OrderSpec {
        &self.spec
    }

    /// The order's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn records(&self) -> &[Record] {
        self.log.records()
    }

    /// SHA-256 of the last record's bytes: goes into the load record and the receipt.
    pub fn head(&self) -> &str {
        self.log.head()
    }

    /// Where an input's files are.
    pub fn input_path(&self, input: &InputSpec) -> PathBuf {
        files::local_path(&input.url, &self.root)
    }

    /// `decisions/`, `rejects/`, `reports/`: whatever is not an attempt's.
    pub fn subfolder(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Paths (`decisions/...`) and texts of the order's decisions, sorted. A byte order mark is taken off.
    pub fn decision_files(&self) -> Result<Vec<(PathBuf, String)>, Error> {
        let mut found = Vec::new();
        for folder in ["", "approvals", "maps"] {
            let folder = Path::new("decisions").join(folder);
            for name in files::names(&self.root.join(&folder))?.iter().filter(|name| !name.starts_with('.')) {
                let path = folder.join(name);
                let whole = self.root.join(&path);
                if whole.is_dir() {
                    continue;
                }
                let bytes = files::read(&whole, DECISION_BYTES_LIMIT)?.unwrap_or_default();
                let text = String::from_utf8(bytes).map_err(|_| {
                    Error::file("read as UTF-8", &whole)(std::io::ErrorKind::InvalidData.into())
                })?;
                found.push((path, text.trim_start_matches('\u{feff}').to_owned()));
            }
        }
        found.sort();
        Ok(found)
    }

    /// The last time the stage was done, whatever has changed since. What was rolled back was not loaded.
    pub fn latest(&self, stage: Stage) -> Option<&Done> {
        let records = self.log.records().iter().rev();
        records
            .take_while(|record| stage < Stage::Import || !matches!(record.event, Event::RolledBack { .. }))
            .find_map(|record| match &record.event {
                Event::Done(done) if done.stage == stage => Some(done),
                _ => None,
            })
    }

    /// The last time the stage was done, if it read the same and its artefacts are still there: nothing to do.
    pub fn current(&self, stage: Stage, fingerprint: &str) -> Option<&Done> {
        let done = self.latest(stage)?;
        let present = done.folder.as_ref().is_none_or(|folder| self.root.join(folder).is_dir());
        (done.fingerprint == fingerprint && present).then_some(done)
    }

    /// The latest stages in order, as far as each was done on what the one before made and passed.
    pub fn chain(&self) -> Vec<Done> {
        let mut chain: Vec<Done> = Vec::new();
        for stage in Stage::ALL {
            let expected = chain.last().map(|before| &before.digest);
            let Some(done) = self.latest(stage).filter(|done| done.after.as_ref() == expected) else { break };
            chain.push(done.clone());
            if done.verdict != Verdict::Pass {
                break;
            }
        }
        chain
    }

    /// The last time the stage before was done.
    fn before(&self, stage: Stage) -> Option<&Done> {
        let before = Stage::ALL.into_iter().take_while(|other| *other < stage).last()?;
        self.latest(before)
    }

    /// The stage's published artefacts, while they are there.
    pub fn folder(&self, stage: Stage) -> Option<PathBuf> {
        let folder = self.root.join(self.latest(stage)?.folder.as_ref()?);
        folder.is_dir().then_some(folder)
    }

    /// Takes the order's lock. [`Error::Locked`] when another process works on it.
    pub fn lock(mut self) -> Result<Locked, Error> {
        let lock = lock_file(&self.root, &self.spec.id)?;
        self.log.refresh()?;
        Ok(Locked { order: self, _lock: lock })
    }
}

/// An order that nobody else works on while this exists.
pub struct Locked {
    order: Order,
    _lock: File,
}

impl Deref for Locked {
    type Target = Order;

    fn deref(&self) -> &Order {
        &self.order
    }
}

impl Locked {
    /// Writes `reports/{name}` over what was there.
    pub(crate) fn write_report(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let folder = self.subfolder("reports");
        files::remove_drafts(&folder, &format!(".{name}."))?;
        replace(&folder.join(name), bytes)
    }

    /// Writes `decisions/{name}` over what was there, durable when this returns; answers where it is.
    pub(crate) fn write_decision(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, Error> {
        let path = self.subfolder("decisions").join(name);
        let folder = path.parent().unwrap_or(&path);
        make_folder(folder)?;
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        files::remove_drafts(folder, &format!(".{file}."))?;
        replace(&path, bytes)?;
        files::sync_folder(folder)?;
        Ok(path)
    }

    /// Opens `logs/{name}` at its end, on a new line.
    pub(crate) fn log_file(&self, name: &str) -> Result<File, Error> {
        files::open_to_append(&self.subfolder("logs").join(name))
    }

    pub(crate) fn remove_report(&self, name: &str) -> Result<(), Error> {
        let folder = self.subfolder("reports");
        files::remove_drafts(&folder, &format!(".{name}."))?;
        files::remove(&folder.join(name))
    }

    /// Records that a load is gone from the target, and what stayed of it.
    pub fn rolled_back(&mut self, load: i64, report: serde_json::Value) -> Result<(), Error> {
        self.append(Event::RolledBack { load, report: Some(report) })
    }

    /// Adds a record with the store's actor and time.
    fn append(&mut self, event: Event) -> Result<(), Error> {
        let time = self.order.clock.now();
        self.order.log.append(event, time, &self.order.actor)
    }
}

/// Letters, digits, `.`, `_` and `-`, 1 to 64 of them: safe as a file name everywhere.
pub fn check_id(id: &str) -> Result<(), Error> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let fits = (1..=ID_LENGTH_LIMIT).contains(&id.len()) && id.bytes().all(allowed);
    if fits && id != "." && id != ".." {
        return Ok(());
    }
    Err(Error::Usage {
        code: "order-id",
        message: format!("`{}` cannot name an order", id.escape_debug()),
        hint: format!("use 1 to {ID_LENGTH_LIMIT} letters, digits, `.`, `_` or `-`"),
    })
}

fn lock_file(root: &Path, id: &str) -> Result<File, Error> {
    let lock = files::try_lock(&root.join("lock"))?.ok_or_else(|| Error::Locked { order: id.to_owned() })?;
    // Of records whose writer was killed.
    files::remove_drafts(&root.join("log"), ".")?;
    Ok(lock)
}

fn not_created(root: &Path) -> Error {
    Error::Broken {
        code: "log-broken",
        message: format!("the log in `{}` does not begin with this order's creation", root.display()),
        hint: "an order's folder must not be renamed or copied under another id".to_owned(),
    }
}

#[cfg(test)]
mod tests;
