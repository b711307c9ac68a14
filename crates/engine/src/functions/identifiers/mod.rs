//! Functions on numbers and codes that stand for a person, a place or a thing.

pub(super) mod cep;
pub(super) mod check_digits;
pub(super) mod cid10;
pub(super) mod cnpj;
pub(super) mod cns;
pub(super) mod cpf;
pub(super) mod crm;
pub(super) mod ean13;
pub(super) mod email;
pub(super) mod iban;
pub(super) mod icd;
pub(super) mod icd10;
pub(super) mod loinc;
pub(super) mod luhn;
pub(super) mod nhs_number;
pub(super) mod npi;
pub(super) mod phone;
pub(super) mod phone_e164;
pub(super) mod phone_national;
pub(super) mod phone_valid;
pub(super) mod rg;
pub(super) mod sctid;
pub(super) mod ssn;
pub(super) mod states;
pub(super) mod uf;
pub(super) mod uuid_text;
