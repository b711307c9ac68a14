//! Functions on units and on what was measured in them.

pub(super) mod convert_unit;
pub(super) mod diastolic_pressure;
pub(super) mod height_cm;
pub(super) mod parse_quantity;
pub(super) mod quantity;
pub(super) mod quantity_comparator;
pub(super) mod quantity_unit;
pub(super) mod spellings;
pub(super) mod systolic_pressure;
pub(super) mod temperature_cel;
pub(super) mod ucum;
pub(super) mod unit_code;
pub(super) mod unit_valid;
pub(super) mod weight_kg;
