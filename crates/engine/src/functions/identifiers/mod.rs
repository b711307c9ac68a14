//! Functions on numbers that stand for a person, a place or a thing.

pub(super) mod cpf;
