//! The functions that rules can call: one file each in a folder by domain, one list.
//!
//! A function never fails on data: what it cannot read is null, and the check that the compiler adds says what that
//! null means. What can be said before any data is read (a pattern, a time zone, a literal map) is checked there.

mod argument;
mod declared;
mod documentation;
mod kernel;
mod output;

mod dates;
mod identifiers;
mod keys;
mod maps;
mod names;
mod notes;
mod numbers;
#[cfg(test)]
mod tests;
mod text;
mod units;

use std::sync::Arc;

use arrow::array::ArrayRef;
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::{Expr, ScalarUDF};

pub use argument::{Mistake, ParameterType};
pub use declared::read_declared;
pub use documentation::documentation;
use kernel::Call;
pub(crate) use text::fold_accents::folded;

/// Every function, in the order of the reference.
pub static FUNCTIONS: &[&Function] = &[
    &text::squeeze::SQUEEZE,
    &text::digits::DIGITS,
    &text::null_if_blank::NULL_IF_BLANK,
    &text::join_text::JOIN_TEXT,
    &text::fold_accents::FOLD_ACCENTS,
    &text::truncate_text::TRUNCATE_TEXT,
    &text::sentence_case::SENTENCE_CASE,
    &text::strip_control::STRIP_CONTROL,
    &text::remove_nul::REMOVE_NUL,
    &text::fix_mojibake::FIX_MOJIBAKE,
    &text::only_letters::ONLY_LETTERS,
    &text::extract_text::EXTRACT_TEXT,
    &text::keep_pattern::KEEP_PATTERN,
    &text::count_text::COUNT_TEXT,
    &text::split_part_last::SPLIT_PART_LAST,
    &text::null_if_word::NULL_IF_WORD,
    &text::pad_digits::PAD_DIGITS,
    &text::nth_word::NTH_WORD,
    &text::between_text::BETWEEN_TEXT,
    &text::normalize_text::NORMALIZE_TEXT,
    &text::one_line::ONE_LINE,
    &text::plain_ascii::PLAIN_ASCII,
    &names::title_case_name::TITLE_CASE_NAME,
    &names::given_name::GIVEN_NAME,
    &names::middle_names::MIDDLE_NAMES,
    &names::family_name::FAMILY_NAME,
    &names::name_prefix::NAME_PREFIX,
    &names::name_suffix::NAME_SUFFIX,
    &names::initials::INITIALS,
    &names::last_first::LAST_FIRST,
    &dates::parse_date::PARSE_DATE,
    &dates::parse_datetime::PARSE_DATETIME,
    &dates::format_date::FORMAT_DATE,
    &dates::local_date::LOCAL_DATE,
    &dates::date_at::DATE_AT,
    &dates::parse_time::PARSE_TIME,
    &dates::parse_partial_date::PARSE_PARTIAL_DATE,
    &dates::date_precision::DATE_PRECISION,
    &dates::two_digit_year_date::TWO_DIGIT_YEAR_DATE,
    &dates::parse_date_words::PARSE_DATE_WORDS,
    &dates::excel_serial_date::EXCEL_SERIAL_DATE,
    &dates::excel_serial_datetime::EXCEL_SERIAL_DATETIME,
    &dates::unix_seconds::UNIX_SECONDS,
    &dates::unix_millis::UNIX_MILLIS,
    &dates::add_days::ADD_DAYS,
    &dates::add_months::ADD_MONTHS,
    &dates::days_between::DAYS_BETWEEN,
    &dates::age_years::AGE_YEARS,
    &dates::first_day_of_month::FIRST_DAY_OF_MONTH,
    &dates::last_day_of_month::LAST_DAY_OF_MONTH,
    &dates::year_of::YEAR_OF,
    &dates::month_of::MONTH_OF,
    &dates::day_of::DAY_OF,
    &dates::weekday_of::WEEKDAY_OF,
    &dates::earliest::EARLIEST,
    &dates::latest::LATEST,
    &dates::local_time::LOCAL_TIME,
    &dates::at_zone::AT_ZONE,
    &dates::to_utc::TO_UTC,
    &dates::add_minutes::ADD_MINUTES,
    &dates::minutes_between::MINUTES_BETWEEN,
    &numbers::parse_integer::PARSE_INTEGER,
    &numbers::parse_number::PARSE_NUMBER,
    &numbers::parse_boolean::PARSE_BOOLEAN,
    &numbers::parse_decimal_comma::PARSE_DECIMAL_COMMA,
    &numbers::parse_money::PARSE_MONEY,
    &numbers::parse_percent::PARSE_PERCENT,
    &numbers::parse_fraction::PARSE_FRACTION,
    &numbers::round_to::ROUND_TO,
    &numbers::round_half_even::ROUND_HALF_EVEN,
    &numbers::format_number::FORMAT_NUMBER,
    &numbers::parse_yes_no::PARSE_YES_NO,
    &units::convert_unit::CONVERT_UNIT,
    &units::unit_valid::UNIT_VALID,
    &units::unit_code::UNIT_CODE,
    &units::parse_quantity::PARSE_QUANTITY,
    &units::quantity_unit::QUANTITY_UNIT,
    &units::quantity_comparator::QUANTITY_COMPARATOR,
    &units::systolic_pressure::SYSTOLIC_PRESSURE,
    &units::diastolic_pressure::DIASTOLIC_PRESSURE,
    &units::temperature_cel::TEMPERATURE_CEL,
    &units::weight_kg::WEIGHT_KG,
    &units::height_cm::HEIGHT_CM,
    &maps::map_code::MAP_CODE,
    &keys::compose_key::COMPOSE_KEY,
    &keys::hash_key::HASH_KEY,
    &keys::list_item::LIST_ITEM,
    &keys::list_count::LIST_COUNT,
    &keys::list_unique::LIST_UNIQUE,
    &keys::sort_list::SORT_LIST,
    &keys::key_with_prefix::KEY_WITH_PREFIX,
    &keys::json_text::JSON_TEXT,
    &identifiers::cpf::CPF,
    &identifiers::cns::CNS,
    &identifiers::nhs_number::NHS_NUMBER,
    &identifiers::npi::NPI,
    &identifiers::ean13::EAN13,
    &identifiers::ssn::SSN,
    &identifiers::cep::CEP,
    &identifiers::cnpj::CNPJ,
    &identifiers::luhn::LUHN,
    &identifiers::loinc::LOINC,
    &identifiers::sctid::SCTID,
    &identifiers::iban::IBAN,
    &identifiers::icd10::ICD10,
    &identifiers::cid10::CID10,
    &identifiers::uf::UF,
    &identifiers::crm::CRM,
    &identifiers::rg::RG,
    &identifiers::email::EMAIL,
    &identifiers::uuid_text::UUID_TEXT,
    &identifiers::phone_e164::PHONE_E164,
    &identifiers::phone_national::PHONE_NATIONAL,
    &identifiers::phone_valid::PHONE_VALID,
    &notes::rtf_to_text::RTF_TO_TEXT,
    &notes::html_to_text::HTML_TO_TEXT,
];

/// One function: what it promises, and how it is done.
#[derive(Debug)]
pub struct Function {
    pub name: &'static str,
    /// One plain sentence.
    pub summary: &'static str,
    /// What else a rule author must know; Markdown, may be empty.
    pub details: &'static str,
    pub domain: Domain,
    pub parameters: &'static [Parameter],
    /// How many of the last parameters may be given again and again, together; 0: none.
    pub repeated: usize,
    pub returns: ParameterType,
    /// It can give null although no argument was null: a value was lost, unless the field gets one otherwise.
    pub fallible: bool,
    pub examples: &'static [Example],
    pub body: Body,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Domain {
    Text,
    Names,
    Dates,
    Numbers,
    Units,
    Maps,
    Keys,
    Identifiers,
    Notes,
}

#[derive(Debug)]
pub struct Parameter {
    pub name: &'static str,
    pub kind: ParameterType,
    pub description: &'static str,
}

/// A call and what it gives as text; `None` is null.
#[derive(Debug)]
pub struct Example {
    pub sql: &'static str,
    pub result: Option<&'static str>,
}

#[derive(Debug)]
pub enum Body {
    /// Evaluated batch by batch.
    Kernel(fn(&Call<'_>) -> Result<ArrayRef>),
    /// A mere expression of its arguments, put in its place before planning ([`expand`]).
    Expand(fn(Vec<Expr>) -> Expr),
}

/// A function by its name, also one that only the compiler calls (those are not among [`FUNCTIONS`]).
pub fn find(name: &str) -> Option<&'static Function> {
    all().find(|function| function.name == name)
}

fn all() -> impl Iterator<Item = &'static Function> {
    FUNCTIONS.iter().chain(declared::DECLARED).copied()
}

/// All functions for a session. Those that are mere expressions are among them so that SQL with them can be planned.
pub fn scalar_udfs() -> Vec<Arc<ScalarUDF>> {
    all().map(|function| Arc::new(kernel::udf(function))).collect()
}

/// The planner's form of one function.
pub fn udf(name: &str) -> Option<ScalarUDF> {
    find(name).map(kernel::udf)
}

/// Puts the expressions of functions that are nothing more in place of their calls.
pub fn expand(expression: Expr) -> Result<Expr> {
    let expanded = expression.transform_up(|node| {
        let Expr::ScalarFunction(call) = node else { return Ok(Transformed::no(node)) };
        match find(call.func.name()).map(|function| &function.body) {
            Some(Body::Expand(build)) => Ok(Transformed::yes(build(call.args))),
            _ => Ok(Transformed::no(Expr::ScalarFunction(call))),
        }
    })?;
    Ok(expanded.data)
}

impl Function {
    /// The parameter that an argument belongs to.
    fn parameter(&self, argument: usize) -> Option<&'static Parameter> {
        let count = self.parameters.len();
        match self.repeated {
            _ if argument < count => self.parameters.get(argument),
            0 => None,
            repeated => self.parameters.get(count - repeated + (argument - count) % repeated),
        }
    }

    /// What is wrong with a call's arguments that can be said without data: literals that must be literals, patterns,
    /// time zones. Types are the planner's business.
    pub fn check(&self, arguments: &[Expr]) -> Vec<Mistake> {
        let mut mistakes: Vec<Mistake> = arguments
            .iter()
            .enumerate()
            .filter_map(|(index, argument)| {
                let parameter = self.parameter(index)?;
                parameter.kind.check(self, parameter, argument).map(|mistake| mistake.at(index))
            })
            .collect();
        if self.name == maps::map_code::MAP_CODE.name {
            mistakes.extend(maps::map_code::check(arguments));
        }
        mistakes
    }

    /// `name(parameter, parameter...)`
    pub fn signature(&self) -> String {
        let names: Vec<&str> = self.parameters.iter().map(|parameter| parameter.name).collect();
        let more = if self.repeated > 0 { ", ..." } else { "" };
        format!("{}({}{more})", self.name, names.join(", "))
    }
}
