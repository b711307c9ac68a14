//! Named repairs of a field: what they make of its value, and whether they changed it.

use chartlift_rules::{FieldRule, FieldValue, Repair};
use datafusion::logical_expr::{Expr, lit};

use super::expression;
use super::rule::Compiler;
use crate::land::DigitCounts;

impl Compiler<'_> {
    pub(super) fn repaired(&self, value: Expr, given: &FieldRule, repair: Repair) -> Expr {
        match repair {
            Repair::Nul => expression::call("remove_nul", vec![value]),
            Repair::Mojibake => expression::call("fix_mojibake", vec![value]),
            Repair::LeadingZeros => match self.digits(given).filter(DigitCounts::lost_zeros) {
                Some(counts) => expression::call("pad_digits", vec![value, lit(i64::from(counts.width))]),
                None => value,
            },
        }
    }

    /// For each repair of a field, whether it changed what was written; and its name, with the evidence where it needs
    /// some.
    pub(super) fn repairs(&self, given: &FieldRule) -> Vec<(Expr, String)> {
        let Ok((mut value, _)) = self.source(given) else { return Vec::new() };
        let mut changes = Vec::new();
        for repair in given.repairs.iter().map(|repair| repair.value) {
            let name = match (repair, self.digits(given)) {
                (Repair::LeadingZeros, Some(counts)) if counts.lost_zeros() => {
                    format!("{}: {}", repair.name(), counts.evidence())
                }
                (Repair::LeadingZeros, _) => continue,
                _ => repair.name().to_owned(),
            };
            let repaired = self.repaired(value.clone(), given, repair);
            changes.push((repaired.clone().not_eq(value), name));
            value = repaired;
        }
        changes
    }

    /// The counts of a column with short values that the rule would give zeros and the evidence does not.
    pub(super) fn kept_zeros(&self, given: &FieldRule) -> Option<DigitCounts> {
        let asked = given.repairs.iter().any(|repair| repair.value == Repair::LeadingZeros);
        self.digits(given).filter(|counts| asked && !counts.lost_zeros())
    }

    /// What check counted of a field's column.
    fn digits(&self, given: &FieldRule) -> Option<DigitCounts> {
        let FieldValue::Column(name) = &given.value else { return None };
        if self.from.schema.field(&name.value).is_some() {
            return self.from.digits?.get(&name.value).copied();
        }
        let (alias, column) = name.value.split_once('.')?;
        let join = self.input.rule.joins.iter().find(|join| join.alias == alias)?;
        let origin = self.input.origins.iter().find(|origin| origin.name == join.table.value)?;
        origin.digits?.get(column).copied()
    }
}
