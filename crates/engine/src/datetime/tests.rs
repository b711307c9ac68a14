//! Patterns against chrono.
