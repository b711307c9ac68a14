//! The one way to a query session, on one machine and on a cluster.

use std::sync::Arc;

use datafusion::error::DataFusionError;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::SessionContext;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::SessionConfig;

use crate::functions;

/// Rows of one batch. Notes are long, so this bounds what one batch can weigh.
const BATCH_ROWS: usize = 4096;

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Plans run in as many partitions.
    pub threads: usize,
    /// What joins and sorts may hold before they spill, in bytes.
    pub memory_bytes: usize,
}

/// A session with our functions, names taken as written, and bounded memory.
pub fn session(limits: Limits) -> Result<SessionContext, DataFusionError> {
    let mut config = SessionConfig::new()
        .with_target_partitions(limits.threads.max(1))
        .with_batch_size(BATCH_ROWS)
        .with_information_schema(false);
    let options = config.options_mut();
    options.sql_parser.enable_ident_normalization = false;
    options.execution.parquet.schema_force_view_types = true;
    options.execution.parquet.pushdown_filters = false;
    options.execution.time_zone = Some("UTC".into());
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(limits.memory_bytes)))
        .build_arc()?;
    let mut state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_default_features()
        .build();
    for function in functions::scalar_udfs() {
        datafusion::execution::FunctionRegistry::register_udf(&mut state, function)?;
    }
    Ok(SessionContext::new_with_state(state))
}
