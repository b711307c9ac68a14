//! Sources: bytes of an export file become batches of text, one row a record, each with its row number and offset.

pub mod csv;
