//! Layers: folders of Parquet parts that one stage writes and the next reads.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use chartlift_io::failpoint;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;

use crate::Error;

/// A row group closes at this many bytes of values, which bounds what a writer and a reader of one group hold: pages
/// are compressed into buffers as long as the page, however short they come out.
const ROW_GROUP_BYTES: usize = 32 << 20;
/// Beyond this a dictionary costs more than it saves.
const DICTIONARY_BYTES: usize = 256 << 10;
/// Rows a reader hands out at once.
const BATCH_ROWS: usize = 4096;

/// One part file being written.
pub(crate) struct LayerWriter {
    path: PathBuf,
    writer: ArrowWriter<File>,
    /// Bytes of values in the open row group.
    bytes: usize,
}

impl LayerWriter {
    pub(crate) fn create(path: &Path, schema: &SchemaRef) -> Result<Self, Error> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
        }
        let file = File::create(path).map_err(Error::file("create", path))?;
        failpoint::hit("artefact-create");
        let writer = ArrowWriter::try_new(file, SchemaRef::clone(schema), Some(properties(schema)))
            .map_err(Error::parquet("create", path))?;
        Ok(Self { path: path.to_path_buf(), writer, bytes: 0 })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        self.writer.write(batch).map_err(Error::parquet("write", &self.path))?;
        failpoint::hit("artefact-written");
        self.bytes += batch.columns().iter().map(value_bytes).sum::<usize>();
        if self.bytes >= ROW_GROUP_BYTES {
            self.writer.flush().map_err(Error::parquet("write", &self.path))?;
            self.bytes = 0;
        }
        Ok(())
    }

    pub(crate) fn close(self) -> Result<(), Error> {
        self.writer.close().map_err(Error::parquet("finish", &self.path))?;
        failpoint::hit("artefact-closed");
        Ok(())
    }
}

/// What an array's values take; its buffers may hold much more, which other arrays share.
fn value_bytes(array: &ArrayRef) -> usize {
    match array.as_string_view_opt() {
        // The low half of a view is its text's length.
        Some(texts) => texts.views().iter().map(|view| *view as u32 as usize + size_of::<u32>()).sum(),
        None => array.len() * array.data_type().primitive_width().unwrap_or(size_of::<u64>()),
    }
}

fn properties(schema: &SchemaRef) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_compression(Compression::LZ4_RAW)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_created_by("chartlift".into());
    for field in schema.fields() {
        // Row numbers climb by one: deltas pack them into next to nothing.
        if matches!(field.data_type(), DataType::Int64 | DataType::Int32) && field.name().starts_with('_') {
            let path = ColumnPath::from(field.name().as_str());
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
        }
    }
    properties.build()
}

/// The part files of a layer, in order.
pub(crate) fn parts(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    files(folder, "part-")
}

/// The files of a layer whose names begin so, in order.
pub(crate) fn files(folder: &Path, prefix: &str) -> Result<Vec<PathBuf>, Error> {
    let mut parts = Vec::new();
    if !folder.exists() {
        return Ok(parts);
    }
    for entry in std::fs::read_dir(folder).map_err(Error::file("list", folder))? {
        let path = entry.map_err(Error::file("list", folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with(prefix) && name.ends_with(".parquet") {
            parts.push(path);
        }
    }
    parts.sort();
    Ok(parts)
}

/// The tables of a stage's folder.
pub(crate) fn folders(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(Error::file("list", folder))? {
        let path = entry.map_err(Error::file("list", folder))?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

/// The name of a layer's part file.
pub(crate) fn part_name(number: usize) -> String {
    format!("part-{number:05}.parquet")
}

/// The name of the marks file beside it.
pub(crate) fn marks_name(number: usize) -> String {
    format!("marks-{number:05}.parquet")
}

/// All batches of one Parquet file, text as views.
pub(crate) fn batches(
    path: &Path,
) -> Result<impl Iterator<Item = Result<RecordBatch, Error>> + use<>, Error> {
    batches_of(path, None)
}

/// The same, or of the named columns, as one iterator: a file that cannot be opened shows as its first item.
pub(crate) fn all_of(
    path: &Path,
    columns: Option<&[&str]>,
) -> impl Iterator<Item = Result<RecordBatch, Error>> + use<> {
    let (batches, failed) = match batches_of(path, columns) {
        Ok(batches) => (Some(batches), None),
        Err(error) => (None, Some(Err(error))),
    };
    batches.into_iter().flatten().chain(failed)
}

/// The named columns of one Parquet file.
pub(crate) fn batches_of(
    path: &Path,
    columns: Option<&[&str]>,
) -> Result<impl Iterator<Item = Result<RecordBatch, Error>> + use<>, Error> {
    let file = File::open(path).map_err(Error::file("open", path))?;
    let metadata =
        ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(Error::parquet("read", path))?;
    let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
    if let Some(columns) = columns {
        let mask = parquet::arrow::ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        builder = builder.with_projection(mask);
    }
    let reader = builder.with_batch_size(BATCH_ROWS).build().map_err(Error::parquet("read", path))?;
    let path = path.to_path_buf();
    Ok(reader.map(move |batch| {
        batch.map_err(|error| Error::parquet("read", &path)(parquet::errors::ParquetError::from(error)))
    }))
}
