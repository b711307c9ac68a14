//! What can go wrong with the world while an order advances. Wrong values are marks, wrong rules are diagnostics.

use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot {doing} `{path}`")]
    File { doing: &'static str, path: PathBuf, source: std::io::Error },
    #[error("the query engine failed while {doing}")]
    Query { doing: String, source: Box<datafusion::error::DataFusionError> },
    #[error("cannot {doing} the columnar file `{path}`")]
    Parquet { doing: &'static str, path: PathBuf, source: parquet::errors::ParquetError },
    #[error(transparent)]
    Edge(#[from] chartlift_io::Error),
    /// Another worker holds the order.
    #[error("order `{order}` is being worked on by another process")]
    Locked { order: String },
    /// The order, its log or its artefacts are not as the log says.
    #[error("{message}")]
    Broken { code: &'static str, message: String, hint: String },
    /// The request makes no sense for this order (a usage error).
    #[error("{message}")]
    Usage { code: &'static str, message: String, hint: String },
    /// What was looked at has changed meanwhile: the same call looks again.
    #[error("{message}")]
    Changed { code: &'static str, message: String, hint: String },
    /// Somebody else's change stands in the way.
    #[error("{message}")]
    Conflict { code: &'static str, message: String, hint: String },
}

impl Error {
    pub fn file(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { doing, path, source }
    }

    pub fn query(doing: impl Into<String>) -> impl FnOnce(datafusion::error::DataFusionError) -> Self {
        let doing = doing.into();
        move |source| Self::Query { doing, source: Box::new(source) }
    }

    pub fn parquet(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(parquet::errors::ParquetError) -> Self {
        let path = path.into();
        move |source| Self::Parquet { doing, path, source }
    }

    /// True when the same call may succeed later without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::File { source, .. } => {
                matches!(source.kind(), std::io::ErrorKind::Interrupted | std::io::ErrorKind::TimedOut)
            }
            Self::Edge(source) => source.is_transient(),
            Self::Changed { .. } => true,
            Self::Query { .. }
            | Self::Parquet { .. }
            | Self::Locked { .. }
            | Self::Broken { .. }
            | Self::Usage { .. }
            | Self::Conflict { .. } => false,
        }
    }

    /// True when a plan needed more memory than the project allows.
    pub fn is_out_of_memory(&self) -> bool {
        use datafusion::error::DataFusionError::ResourcesExhausted;
        matches!(self, Self::Query { source, .. } if matches!(source.find_root(), ResourcesExhausted(_)))
    }

    /// True when the operating system has no room for a file.
    fn is_out_of_space(&self) -> bool {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        let causes =
            std::iter::successors(Some(self as &(dyn std::error::Error + 'static)), |error| error.source());
        let mut system = causes.filter_map(|error| error.downcast_ref::<std::io::Error>());
        system.any(|error| matches!(error.kind(), StorageFull | QuotaExceeded))
    }

    /// The code that machines go by; `chartlift explain CODE` tells more.
    pub fn code(&self) -> &'static str {
        match self {
            _ if self.is_out_of_space() => "out-of-space",
            Self::File { .. } => "file-error",
            Self::Query { .. } => "query-error",
            Self::Parquet { .. } => "parquet-error",
            Self::Edge(source) => source.code(),
            Self::Locked { .. } => "order-locked",
            Self::Broken { code, .. }
            | Self::Usage { code, .. }
            | Self::Changed { code, .. }
            | Self::Conflict { code, .. } => code,
        }
    }

    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Locked { .. } => Some("wait until it is done, or see who it is with `chartlift status`"),
            Self::Broken { hint, .. }
            | Self::Usage { hint, .. }
            | Self::Changed { hint, .. }
            | Self::Conflict { hint, .. } => Some(hint),
            _ if self.is_out_of_space() => Some("make room and run the same command again"),
            Self::File { .. } | Self::Query { .. } | Self::Parquet { .. } => None,
            Self::Edge(source) => source.hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_wherever_it_shows() {
        let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
        let below = parquet::errors::ParquetError::External(Box::new(full()));
        let edge = chartlift_io::Error::Read { source: full() };
        for error in [Error::file("write", "a")(full()), Error::parquet("write", "a")(below), edge.into()] {
            assert_eq!(error.code(), "out-of-space", "{error}");
            assert!(error.hint().is_some());
        }
        let other = Error::file("write", "a")(std::io::ErrorKind::NotFound.into());
        assert_eq!(other.code(), "file-error");
    }
}
