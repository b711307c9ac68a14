-- The same tables as postgres.sql, for SQLite. Strict tables, and what SQLite has no type for:
-- uuid, date (YYYY-MM-DD), timestamptz (ISO 8601 in UTC) and numeric (exact decimals) are text; booleans are 0 and 1.

-- Sites, payers and laboratories.
create table if not exists organizations (
  id TEXT not null primary key,
  name TEXT not null,
  kind TEXT check (kind in ('tenant', 'site', 'dept', 'room', 'payer', 'lab')),
  cnes TEXT check (length(cnes) <= 16),
  cnpj TEXT check (length(cnpj) <= 18),
  npi TEXT check (length(npi) <= 16),
  phone TEXT check (length(phone) <= 64),
  email TEXT check (length(email) <= 254),
  address_line TEXT,
  city TEXT check (length(city) <= 128),
  state TEXT check (length(state) <= 64),
  postal_code TEXT check (length(postal_code) <= 16),
  country TEXT check (length(country) <= 64),
  timezone TEXT check (length(timezone) <= 64),
  active INTEGER check (active in (0, 1))
) strict;

-- Places: buildings, wards, rooms, vehicles.
create table if not exists locations (
  id TEXT not null primary key,
  organization_id TEXT references organizations (id),
  parent_id TEXT references locations (id),
  name TEXT not null,
  kind TEXT check (kind in ('site', 'building', 'wing', 'ward', 'level', 'corridor', 'room', 'bed', 'vehicle', 'house', 'cabinet', 'road', 'area', 'jurisdiction', 'virtual')),
  status TEXT check (status in ('active', 'suspended', 'inactive')),
  description TEXT,
  phone TEXT check (length(phone) <= 64),
  email TEXT check (length(email) <= 254),
  address_line TEXT,
  city TEXT check (length(city) <= 128),
  state TEXT check (length(state) <= 64),
  postal_code TEXT check (length(postal_code) <= 16),
  country TEXT check (length(country) <= 64),
  timezone TEXT check (length(timezone) <= 64)
) strict;
create index if not exists locations_organization_id on locations (organization_id);

-- What the clinic offers.
create table if not exists healthcare_services (
  id TEXT not null primary key,
  organization_id TEXT references organizations (id),
  name TEXT not null,
  code TEXT check (length(code) <= 64),
  code_system TEXT check (length(code_system) <= 255),
  category TEXT,
  description TEXT,
  duration_min INTEGER check (duration_min >= 0),
  price TEXT,
  currency TEXT check (length(currency) <= 3),
  active INTEGER check (active in (0, 1))
) strict;

-- Professionals, whether or not they may log in.
create table if not exists practitioners (
  id TEXT not null primary key,
  organization_id TEXT references organizations (id),
  full_name TEXT not null,
  council TEXT check (length(council) <= 16),
  council_number TEXT check (length(council_number) <= 32),
  council_state TEXT check (length(council_state) <= 8),
  npi TEXT check (length(npi) <= 16),
  cpf TEXT check (length(cpf) <= 14),
  cns TEXT check (length(cns) <= 18),
  occupation_code TEXT check (length(occupation_code) <= 32),
  occupation TEXT,
  specialty_code TEXT check (length(specialty_code) <= 32),
  specialty TEXT,
  rqe TEXT check (length(rqe) <= 16),
  phone TEXT check (length(phone) <= 64),
  email TEXT check (length(email) <= 254),
  active INTEGER check (active in (0, 1)),
  is_user INTEGER check (is_user in (0, 1)),
  login TEXT check (length(login) <= 128)
) strict;
create index if not exists practitioners_organization_id on practitioners (organization_id);

-- Persons. `safety_hold` is shown above the chart until a person has read it.
create table if not exists patients (
  id TEXT not null primary key,
  organization_id TEXT references organizations (id),
  primary_practitioner_id TEXT references practitioners (id),
  full_name TEXT not null,
  family_name TEXT,
  given_name TEXT,
  middle_name TEXT,
  name_prefix TEXT check (length(name_prefix) <= 32),
  name_suffix TEXT check (length(name_suffix) <= 32),
  social_name TEXT,
  previous_name TEXT,
  mother_name TEXT,
  birth_date TEXT,
  birth_date_precision TEXT check (birth_date_precision in ('Y', 'M', 'D')),
  birth_date_text TEXT,
  birth_place TEXT,
  nationality TEXT check (length(nationality) <= 64),
  sex TEXT check (sex in ('male', 'female', 'other', 'unknown')),
  sex_text TEXT,
  gender_identity TEXT,
  race_code TEXT check (length(race_code) <= 64),
  race_system TEXT check (length(race_system) <= 255),
  race TEXT,
  ethnicity TEXT,
  marital_status_code TEXT check (length(marital_status_code) <= 64),
  marital_status_system TEXT check (length(marital_status_system) <= 255),
  marital_status TEXT,
  language_code TEXT check (length(language_code) <= 35),
  occupation TEXT,
  deceased INTEGER check (deceased in (0, 1)),
  death_date TEXT,
  active INTEGER check (active in (0, 1)),
  registered_on TEXT,
  phone TEXT check (length(phone) <= 64),
  email TEXT check (length(email) <= 254),
  address_line TEXT,
  address_number TEXT check (length(address_number) <= 32),
  address_complement TEXT,
  district TEXT check (length(district) <= 128),
  city TEXT check (length(city) <= 128),
  state TEXT check (length(state) <= 64),
  postal_code TEXT check (length(postal_code) <= 16),
  country TEXT check (length(country) <= 64),
  notes TEXT,
  confidentiality TEXT check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason TEXT,
  safety_hold TEXT
) strict;
create index if not exists patients_full_name on patients (full_name);
create index if not exists patients_birth_date on patients (birth_date);
create index if not exists patients_organization_id on patients (organization_id);

-- Documents and numbers of a patient.
create table if not exists patient_identifiers (
  id TEXT not null primary key,
  patient_id TEXT not null references patients (id),
  kind TEXT not null check (length(kind) <= 64),
  value TEXT not null check (length(value) <= 128),
  system TEXT check (length(system) <= 255),
  assigner TEXT,
  assigner_region TEXT check (length(assigner_region) <= 64),
  use TEXT check (use in ('usual', 'official', 'secondary', 'temp', 'old')),
  valid_from TEXT,
  valid_to TEXT,
  check_status TEXT check (check_status in ('valid', 'invalid', 'n/a', 'placeholder')),
  confidentiality TEXT check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason TEXT,
  safety_hold TEXT
) strict;
create index if not exists patient_identifiers_patient_id on patient_identifiers (patient_id);
create index if not exists patient_identifiers_kind_value on patient_identifiers (kind, value);

-- Charts that belong together, or perhaps do.
create table if not exists patient_links (
  id TEXT not null primary key,
  patient_id TEXT not null references patients (id),
  other_patient_id TEXT not null references patients (id),
  kind TEXT not null check (kind in ('replaced-by', 'replaces', 'seealso', 'possible-duplicate')),
  score TEXT,
  evidence TEXT,
  decided_by TEXT,
  decided_at TEXT,
  confidentiality TEXT check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason TEXT,
  safety_hold TEXT
) strict;
create index if not exists patient_links_patient_id on patient_links (patient_id);
create index if not exists patient_links_other_patient_id on patient_links (other_patient_id);

-- Addresses and numbers of patients, and the people around them.
create table if not exists patient_contacts (
  id TEXT not null primary key,
  patient_id TEXT not null references patients (id),
  role TEXT not null check (role in ('self-address', 'self-phone', 'self-email', 'mother', 'father', 'legal-guardian', 'emergency', 'financial', 'employer', 'other')),
  name TEXT,
  birth_date TEXT,
  birth_date_precision TEXT check (birth_date_precision in ('Y', 'M', 'D')),
  sex TEXT check (sex in ('male', 'female', 'other', 'unknown')),
  doc_type TEXT check (length(doc_type) <= 64),
  doc_value TEXT check (length(doc_value) <= 128),
  relationship_code TEXT check (length(relationship_code) <= 64),
  relationship_system TEXT check (length(relationship_system) <= 255),
  relationship TEXT,
  address_line TEXT,
  address_number TEXT check (length(address_number) <= 32),
  address_complement TEXT,
  district TEXT check (length(district) <= 128),
  city TEXT check (length(city) <= 128),
  city_code TEXT check (length(city_code) <= 16),
  state TEXT check (length(state) <= 64),
  postal_code TEXT check (length(postal_code) <= 16),
  country TEXT check (length(country) <= 64),
  address_text TEXT,
  telecom_kind TEXT check (telecom_kind in ('phone', 'fax', 'email', 'pager', 'url', 'sms', 'other')),
  telecom_value TEXT check (length(telecom_value) <= 254),
  telecom_text TEXT,
  use TEXT check (use in ('home', 'work', 'temp', 'old', 'mobile', 'billing')),
  ok_to_contact INTEGER check (ok_to_contact in (0, 1)),
  preferred INTEGER check (preferred in (0, 1)),
  valid_from TEXT,
  valid_to TEXT,
  note TEXT,
  confidentiality TEXT check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason TEXT
) strict;
create index if not exists patient_contacts_patient_id on patient_contacts (patient_id);

-- Files that belong to charts.
create table if not exists attachments (
  id TEXT not null primary key,
  patient_id TEXT references patients (id),
  owner_category TEXT check (length(owner_category) <= 64),
  owner_source_key TEXT check (length(owner_source_key) <= 255),
  title TEXT,
  category_code TEXT check (length(category_code) <= 64),
  category_system TEXT check (length(category_system) <= 255),
  category TEXT,
  file_name TEXT not null,
  source_path TEXT,
  media_type TEXT check (length(media_type) <= 128),
  media_type_text TEXT,
  size INTEGER check (size >= 0),
  sha256 TEXT check (length(sha256) <= 64),
  page_count INTEGER check (page_count >= 0),
  readable INTEGER check (readable in (0, 1)),
  encrypted INTEGER check (encrypted in (0, 1)),
  av_status TEXT check (av_status in ('clean', 'infected', 'not-scanned')),
  created_at TEXT,
  created_precision TEXT check (created_precision in ('Y', 'M', 'D', 'm', 's')),
  storage_uri TEXT,
  missing INTEGER check (missing in (0, 1)),
  confidentiality TEXT check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason TEXT
) strict;
create index if not exists attachments_patient_id on attachments (patient_id);

-- Insurance of patients by period.
create table if not exists coverages (
  id TEXT not null primary key,
  patient_id TEXT not null references patients (id),
  payer_id TEXT references organizations (id),
  card_attachment_id TEXT references attachments (id),
  payer TEXT,
  plan_name TEXT,
  plan_code TEXT check (length(plan_code) <= 64),
  member_number TEXT check (length(member_number) <= 64),
  subscriber_number TEXT check (length(subscriber_number) <= 64),
  group_number TEXT check (length(group_number) <= 64),
  subscriber_name TEXT,
  relationship TEXT check (relationship in ('child', 'parent', 'spouse', 'common', 'other', 'self', 'injured')),
  relationship_text TEXT,
  priority INTEGER check (priority >= 1),
  period_start TEXT,
  period_start_precision TEXT check (period_start_precision in ('Y', 'M', 'D')),
  period_end TEXT,
  period_end_precision TEXT check (period_end_precision in ('Y', 'M', 'D')),
  status TEXT check (status in ('active', 'cancelled', 'draft', 'entered-in-error')),
  status_text TEXT,
  note TEXT,
  confidentiality TEXT check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason TEXT
) strict;
create index if not exists coverages_patient_id on coverages (patient_id);

-- The diary. `patient_id` is empty for a block.
create table if not exists appointments (
  id TEXT not null primary key,
  patient_id TEXT references patients (id),
  practitioner_id TEXT references practitioners (id),
  organization_id TEXT references organizations (id),
  location_id TEXT references locations (id),
  service_id TEXT references healthcare_services (id),
  coverage_id TEXT references coverages (id),
  kind TEXT check (kind in ('visit', 'block')),
  start_at TEXT not null,
  end_at TEXT,
  duration_min INTEGER check (duration_min >= 0),
  all_day INTEGER check (all_day in (0, 1)),
  status TEXT check (status in ('proposed', 'pending', 'booked', 'arrived', 'fulfilled', 'cancelled', 'noshow', 'entered-in-error', 'checked-in', 'waitlist')),
  status_text TEXT,
  cancel_reason TEXT,
  type TEXT,
  service TEXT,
  reason TEXT,
  channel TEXT check (channel in ('in-person', 'tele')),
  room TEXT check (length(room) <= 64),
  series_id TEXT check (length(series_id) <= 64),
  booked_at TEXT,
  confirmed_at TEXT,
  notes TEXT,
  confidentiality TEXT check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason TEXT,
  safety_hold TEXT
) strict;
create index if not exists appointments_patient_id on appointments (patient_id);
create index if not exists appointments_practitioner_id_start_at on appointments (practitioner_id, start_at);

-- Contacts that took place.
create table if not exists encounters (
  id TEXT not null primary key,
  patient_id TEXT not null references patients (id),
  practitioner_id TEXT references practitioners (id),
  organization_id TEXT references organizations (id),
  appointment_id TEXT references appointments (id),
  location_id TEXT references locations (id),
  class TEXT check (class in ('AMB', 'EMER', 'IMP', 'HH', 'VR')),
  class_text TEXT,
  status TEXT check (status in ('planned', 'arrived', 'triaged', 'in-progress', 'onleave', 'finished', 'cancelled', 'entered-in-error', 'unknown')),
  status_text TEXT,
  type_code TEXT check (length(type_code) <= 64),
  type_system TEXT check (length(type_system) <= 255),
  type_display TEXT,
  start_at TEXT not null,
  end_at TEXT,
  reason_code TEXT check (length(reason_code) <= 64),
  reason_system TEXT check (length(reason_system) <= 255),
  reason_display TEXT,
  chief_complaint TEXT,
  disposition TEXT,
  derived INTEGER check (derived in (0, 1)),
  confidentiality TEXT check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason TEXT
) strict;
create index if not exists encounters_patient_id_start_at on encounters (patient_id, start_at);
create index if not exists encounters_practitioner_id on encounters (practitioner_id);
create index if not exists encounters_appointment_id on encounters (appointment_id);

-- Notes, letters and reports; `body` is the text as it was written.
create table if not exists clinical_documents (
  id TEXT not null primary key,
  patient_id TEXT not null references patients (id),
  encounter_id TEXT references encounters (id),
  author_id TEXT references practitioners (id),
  signer_id TEXT references practitioners (id),
  original_attachment_id TEXT references attachments (id),
  type_code TEXT check (length(type_code) <= 64),
  type_system TEXT check (length(type_system) <= 255),
  type_text TEXT,
  title TEXT,
  authored_at TEXT not null,
  authored_precision TEXT check (authored_precision in ('Y', 'M', 'D', 'm', 's')),
  signed_at TEXT,
  attestation TEXT check (attestation in ('none', 'password', 'e-signature', 'ICP-Brasil')),
  status TEXT check (status in ('draft', 'final', 'amended', 'entered-in-error')),
  version INTEGER check (version >= 1),
  body TEXT not null,
  body_html TEXT,
  original_format TEXT check (length(original_format) <= 64),
  confidentiality TEXT check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason TEXT
) strict;
create index if not exists clinical_documents_patient_id_authored_at on clinical_documents (patient_id, authored_at);
create index if not exists clinical_documents_encounter_id on clinical_documents (encounter_id);

-- Diagnoses and problems.
create table if not exists conditions (
  id TEXT not null primary key,
  patient_id TEXT not null references patients (id),
  encounter_id TEXT references encounters (id),
  recorder_id TEXT references practitioners (id),
  code TEXT check (length(code) <= 64),
  code_system TEXT check (length(code_system) <= 255),
  description TEXT not null,
  source_code TEXT check (length(source_code) <= 128),
  source_system TEXT check (length(source_system) <= 255),
  source_text TEXT not null,
  category TEXT check (category in ('problem-list', 'encounter-dx', 'history', 'suspicion')),
  clinical_status TEXT check (clinical_status in ('active', 'recurrence', 'relapse', 'inactive', 'remission', 'resolved')),
  verification_status TEXT check (verification_status in ('unconfirmed', 'provisional', 'differential', 'confirmed', 'refuted', 'entered-in-error')),
  onset_on TEXT,
  onset_precision TEXT check (onset_precision in ('Y', 'M', 'D')),
  abatement_on TEXT,
  recorded_at TEXT,
  severity TEXT check (severity in ('mild', 'moderate', 'severe')),
  body_site TEXT,
  rank INTEGER,
  note TEXT,
  confidentiality TEXT check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason TEXT,
  safety_hold TEXT
) strict;
create index if not exists conditions_patient_id on conditions (patient_id);
create index if not exists conditions_encounter_id on conditions (encounter_id);

-- Allergies, intolerances, and the statement that none is known.
create table if not exists allergies (
  id TEXT not null primary key,
  patient_id TEXT not null references patients (id),
  encounter_id TEXT references encounters (id),
  recorder_id TEXT references practitioners (id),
  assertion TEXT not null check (assertion in ('allergy', 'no-known-allergy', 'no-known-drug-allergy', 'not-asked', 'unable')),
  type TEXT check (type in ('allergy', 'intolerance', 'adverse')),
  category TEXT check (category in ('medication', 'food', 'environment', 'biologic')),
  substance_code TEXT check (length(substance_code) <= 64),
  substance_system TEXT check (length(substance_system) <= 255),
  substance TEXT not null,
  source_system TEXT check (length(source_system) <= 255),
  source_text TEXT not null,
  clinical_status TEXT check (clinical_status in ('active', 'inactive', 'resolved')),
  verification_status TEXT check (verification_status in ('unconfirmed', 'presumed', 'confirmed', 'refuted', 'entered-in-error')),
  criticality TEXT check (criticality in ('low', 'high', 'unable-to-assess')),
  onset_on TEXT,
  onset_precision TEXT check (onset_precision in ('Y', 'M', 'D')),
  abatement_on TEXT,
  recorded_at TEXT,
  reaction_1_code TEXT check (length(reaction_1_code) <= 64),
  reaction_1 TEXT,
  reaction_1_severity TEXT check (reaction_1_severity in ('mild', 'moderate', 'severe')),
  reaction_2_code TEXT check (length(reaction_2_code) <= 64),
  reaction_2 TEXT,
  reaction_2_severity TEXT check (reaction_2_severity in ('mild', 'moderate', 'severe')),
  note TEXT,
  confidentiality TEXT check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason TEXT,
  safety_hold TEXT
) strict;
create index if not exists allergies_patient_id on allergies (patient_id);
create index if not exists allergies_encounter_id on allergies (encounter_id);

-- Family history, and the statement that there is none.
create table if not exists family_histories (
  id TEXT not null primary key,
  patient_id TEXT not null references patients (id),
  encounter_id TEXT references encounters (id),
  recorder_id TEXT references practitioners (id),
  assertion TEXT not null check (assertion in ('condition', 'none-known', 'not-asked', 'unable')),
  status TEXT check (status in ('partial', 'completed', 'entered-in-error', 'health-unknown')),
  relation_code TEXT check (length(relation_code) <= 64),
  relation_system TEXT check (length(relation_system) <= 255),
  relation TEXT,
  relative_name TEXT,
  sex TEXT check (sex in ('male', 'female', 'other', 'unknown')),
  condition_code TEXT check (length(condition_code) <= 64),
  condition_system TEXT check (length(condition_system) <= 255),
  condition TEXT,
  source_code TEXT check (length(source_code) <= 128),
  source_text TEXT,
  onset_age TEXT,
  onset_text TEXT,
  age TEXT,
  deceased INTEGER check (deceased in (0, 1)),
  death_age TEXT,
  contributed_to_death INTEGER check (contributed_to_death in (0, 1)),
  outcome TEXT,
  recorded_at TEXT,
  note TEXT,
  confidentiality TEXT check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason TEXT
) strict;
create index if not exists family_histories_patient_id on family_histories (patient_id);

-- Warnings above the chart.
create table if not exists flags (
  id TEXT not null primary key,
  patient_id TEXT not null references patients (id),
  encounter_id TEXT references encounters (id),
  author_id TEXT references practitioners (id),
  category TEXT check (category in ('diet', 'drug', 'lab', 'admin', 'contact', 'clinical', 'behavioral', 'research', 'advance-directive', 'safety')),
  code TEXT check (length(code) <= 64),
  code_system TEXT check (length(code_system) <= 255),
  description TEXT not null,
  source_code TEXT check (length(source_code) <= 128),
  source_text TEXT not null,
  status TEXT check (status in ('active', 'inactive', 'entered-in-error')),
  status_text TEXT,
  priority TEXT,
  start_at TEXT,
  start_precision TEXT check (start_precision in ('Y', 'M', 'D', 'm', 's')),
  end_at TEXT,
  end_precision TEXT check (end_precision in ('Y', 'M', 'D', 'm', 's')),
  note TEXT,
  confidentiality TEXT check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason TEXT,
  safety_hold TEXT
) strict;
create index if not exists flags_patient_id on flags (patient_id);

-- Prescriptions, statements, administrations and dispenses.
create table if not exists medications (
  id TEXT not null primary key,
  patient_id TEXT not null references patients (id),
  encounter_id TEXT references encounters (id),
  prescriber_id TEXT references practitioners (id),
  kind TEXT not null check (kind in ('statement', 'prescription', 'administration', 'dispense')),
  drug_code TEXT check (length(drug_code) <= 64),
  drug_system TEXT check (length(drug_system) <= 255),
  drug TEXT not null,
  source_text TEXT not null,
  status TEXT check (status in ('active', 'on-hold', 'cancelled', 'completed', 'entered-in-error', 'stopped', 'draft', 'unknown')),
  status_text TEXT,
  intent TEXT check (length(intent) <= 64),
  instructions TEXT,
  dose_quantity TEXT,
  dose_unit TEXT check (length(dose_unit) <= 64),
  route_code TEXT check (length(route_code) <= 64),
  route TEXT,
  frequency_code TEXT check (length(frequency_code) <= 64),
  as_needed INTEGER check (as_needed in (0, 1)),
  duration_value TEXT,
  duration_unit TEXT check (length(duration_unit) <= 64),
  quantity TEXT,
  refills INTEGER check (refills >= 0),
  start_at TEXT,
  start_precision TEXT check (start_precision in ('Y', 'M', 'D', 'm', 's')),
  end_at TEXT,
  end_precision TEXT check (end_precision in ('Y', 'M', 'D', 'm', 's')),
  written_at TEXT,
  reason_code TEXT check (length(reason_code) <= 64),
  reason_system TEXT check (length(reason_system) <= 255),
  reason_display TEXT,
  continuous_use INTEGER check (continuous_use in (0, 1)),
  controlled_class TEXT check (length(controlled_class) <= 64),
  note TEXT,
  confidentiality TEXT check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason TEXT,
  safety_hold TEXT
) strict;
create index if not exists medications_patient_id on medications (patient_id);
create index if not exists medications_encounter_id on medications (encounter_id);

-- Vaccines given or expressly not given.
create table if not exists immunizations (
  id TEXT not null primary key,
  patient_id TEXT not null references patients (id),
  encounter_id TEXT references encounters (id),
  performer_id TEXT references practitioners (id),
  organization_id TEXT references organizations (id),
  location_id TEXT references locations (id),
  vaccine_code TEXT check (length(vaccine_code) <= 64),
  vaccine_system TEXT check (length(vaccine_system) <= 255),
  vaccine TEXT not null,
  source_code TEXT check (length(source_code) <= 128),
  source_text TEXT not null,
  occurred_at TEXT not null,
  occurred_precision TEXT check (occurred_precision in ('Y', 'M', 'D', 'm', 's')),
  status TEXT not null check (status in ('completed', 'not-done', 'entered-in-error')),
  dose_number TEXT check (length(dose_number) <= 64),
  series TEXT check (length(series) <= 64),
  dose_quantity TEXT,
  dose_unit TEXT check (length(dose_unit) <= 64),
  lot TEXT check (length(lot) <= 64),
  expires_on TEXT,
  manufacturer TEXT,
  site TEXT,
  route TEXT,
  primary_source INTEGER check (primary_source in (0, 1)),
  not_done_reason TEXT,
  note TEXT,
  confidentiality TEXT check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason TEXT
) strict;
create index if not exists immunizations_patient_id_occurred_at on immunizations (patient_id, occurred_at);
create index if not exists immunizations_encounter_id on immunizations (encounter_id);

-- Vital signs, laboratory results, scores and answers.
create table if not exists observations (
  id TEXT not null primary key,
  patient_id TEXT not null references patients (id),
  encounter_id TEXT references encounters (id),
  performer_id TEXT references practitioners (id),
  organization_id TEXT references organizations (id),
  category TEXT check (category in ('vital', 'lab', 'social', 'exam', 'survey', 'imaging', 'procedure', 'therapy', 'activity')),
  code TEXT check (length(code) <= 64),
  code_system TEXT check (length(code_system) <= 255),
  description TEXT not null,
  source_code TEXT check (length(source_code) <= 128),
  source_text TEXT not null,
  panel_key TEXT check (length(panel_key) <= 255),
  sequence INTEGER,
  effective_at TEXT not null,
  effective_precision TEXT check (effective_precision in ('Y', 'M', 'D', 'm', 's')),
  issued_at TEXT,
  value_number TEXT,
  value_unit TEXT check (length(value_unit) <= 64),
  value_code TEXT check (length(value_code) <= 64),
  value_text TEXT,
  value_boolean INTEGER check (value_boolean in (0, 1)),
  value_datetime TEXT,
  value_source TEXT,
  comparator TEXT check (comparator in ('<', '<=', '>=', '>')),
  reference_low TEXT,
  reference_high TEXT,
  reference_text TEXT,
  flag_code TEXT check (length(flag_code) <= 64),
  status TEXT check (status in ('registered', 'preliminary', 'final', 'amended', 'corrected', 'cancelled', 'entered-in-error', 'unknown')),
  specimen TEXT,
  method TEXT,
  device TEXT,
  order_number TEXT check (length(order_number) <= 64),
  note TEXT,
  confidentiality TEXT check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason TEXT
) strict;
create index if not exists observations_patient_id_effective_at on observations (patient_id, effective_at);
create index if not exists observations_encounter_id on observations (encounter_id);

-- What was done.
create table if not exists procedures (
  id TEXT not null primary key,
  patient_id TEXT not null references patients (id),
  encounter_id TEXT references encounters (id),
  performer_id TEXT references practitioners (id),
  organization_id TEXT references organizations (id),
  location_id TEXT references locations (id),
  code TEXT check (length(code) <= 64),
  code_system TEXT check (length(code_system) <= 255),
  description TEXT not null,
  source_code TEXT check (length(source_code) <= 128),
  source_system TEXT check (length(source_system) <= 255),
  source_text TEXT not null,
  status TEXT check (status in ('preparation', 'in-progress', 'not-done', 'on-hold', 'stopped', 'completed', 'entered-in-error', 'unknown')),
  start_at TEXT,
  end_at TEXT,
  performed_precision TEXT check (performed_precision in ('Y', 'M', 'D', 'm', 's')),
  body_site TEXT,
  reason_code TEXT check (length(reason_code) <= 64),
  reason_system TEXT check (length(reason_system) <= 255),
  reason_display TEXT,
  outcome TEXT,
  tooth TEXT check (length(tooth) <= 16),
  note TEXT,
  confidentiality TEXT check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason TEXT
) strict;
create index if not exists procedures_patient_id_start_at on procedures (patient_id, start_at);
create index if not exists procedures_encounter_id on procedures (encounter_id);

-- What patients agreed to or refused.
create table if not exists consents (
  id TEXT not null primary key,
  patient_id TEXT not null references patients (id),
  encounter_id TEXT references encounters (id),
  document_id TEXT references clinical_documents (id),
  attachment_id TEXT references attachments (id),
  recorder_id TEXT references practitioners (id),
  type_code TEXT check (length(type_code) <= 64),
  type_system TEXT check (length(type_system) <= 255),
  type TEXT not null,
  scope TEXT check (scope in ('adr', 'research', 'patient-privacy', 'treatment')),
  decision TEXT check (decision in ('permit', 'deny')),
  decision_text TEXT,
  status TEXT check (status in ('draft', 'proposed', 'active', 'rejected', 'inactive', 'entered-in-error')),
  status_text TEXT,
  given_at TEXT,
  given_precision TEXT check (given_precision in ('Y', 'M', 'D', 'm', 's')),
  given_by TEXT,
  given_by_relationship TEXT,
  valid_from TEXT,
  valid_to TEXT,
  revoked_at TEXT,
  revoked_precision TEXT check (revoked_precision in ('Y', 'M', 'D', 'm', 's')),
  note TEXT,
  confidentiality TEXT check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason TEXT
) strict;
create index if not exists consents_patient_id on consents (patient_id);

-- The ledger: one line a charge, payment or adjustment.
create table if not exists account_entries (
  id TEXT not null primary key,
  patient_id TEXT not null references patients (id),
  coverage_id TEXT references coverages (id),
  encounter_id TEXT references encounters (id),
  practitioner_id TEXT references practitioners (id),
  kind TEXT not null check (kind in ('charge', 'payment', 'adjustment', 'refund', 'credit', 'opening-balance', 'write-off')),
  code TEXT check (length(code) <= 64),
  code_system TEXT check (length(code_system) <= 255),
  code_display TEXT,
  source_code TEXT check (length(source_code) <= 128),
  description TEXT,
  quantity TEXT,
  unit_price TEXT,
  amount TEXT not null,
  currency TEXT not null check (length(currency) <= 3),
  occurred_on TEXT not null,
  occurred_on_precision TEXT check (occurred_on_precision in ('Y', 'M', 'D')),
  due_on TEXT,
  posted_at TEXT,
  method TEXT check (method in ('cash', 'card', 'check', 'transfer', 'direct-debit', 'pix', 'boleto', 'insurer', 'other')),
  method_text TEXT,
  installment INTEGER check (installment >= 1),
  installments INTEGER check (installments >= 1),
  claim_number TEXT check (length(claim_number) <= 64),
  invoice_number TEXT check (length(invoice_number) <= 64),
  status TEXT check (status in ('draft', 'issued', 'balanced', 'cancelled', 'entered-in-error')),
  status_text TEXT,
  note TEXT,
  confidentiality TEXT check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason TEXT
) strict;
create index if not exists account_entries_patient_id_occurred_on on account_entries (patient_id, occurred_on);
create index if not exists account_entries_encounter_id on account_entries (encounter_id);
