//! Resolves names across the files of a project: tables, fields, categories, maps.
