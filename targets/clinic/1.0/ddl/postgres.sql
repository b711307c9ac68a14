-- The tables of a modern clinic system, in the schema that comes first on the search path.
--
-- Keys are UUIDs that the import makes, so that the next export of the same clinic gives the same ones. A limit or a check
-- stands here only if ../schemas says the same: what the rules cannot see must not be the first to refuse a row.
-- Organizations, practitioners and patients come first, because the others refer to them.

-- Sites, payers and laboratories.
create table if not exists organizations (
  id uuid primary key,
  name text not null,
  kind text check (kind in ('tenant', 'site', 'dept', 'room', 'payer', 'lab')),
  cnes varchar(16),
  cnpj varchar(18),
  npi varchar(16),
  phone varchar(64),
  email varchar(254),
  address_line text,
  city varchar(128),
  state varchar(64),
  postal_code varchar(16),
  country varchar(64),
  timezone varchar(64),
  active boolean
);

-- Places: buildings, wards, rooms, vehicles.
create table if not exists locations (
  id uuid primary key,
  organization_id uuid references organizations (id),
  parent_id uuid references locations (id),
  name text not null,
  kind text check (kind in ('site', 'building', 'wing', 'ward', 'level', 'corridor', 'room', 'bed', 'vehicle', 'house', 'cabinet', 'road', 'area', 'jurisdiction', 'virtual')),
  status text check (status in ('active', 'suspended', 'inactive')),
  description text,
  phone varchar(64),
  email varchar(254),
  address_line text,
  city varchar(128),
  state varchar(64),
  postal_code varchar(16),
  country varchar(64),
  timezone varchar(64)
);
create index if not exists locations_organization_id on locations (organization_id);

-- What the clinic offers.
create table if not exists healthcare_services (
  id uuid primary key,
  organization_id uuid references organizations (id),
  name text not null,
  code varchar(64),
  code_system varchar(255),
  category text,
  description text,
  duration_min bigint check (duration_min >= 0),
  price numeric,
  currency varchar(3),
  active boolean
);

-- Professionals, whether or not they may log in.
create table if not exists practitioners (
  id uuid primary key,
  organization_id uuid references organizations (id),
  full_name text not null,
  council varchar(16),
  council_number varchar(32),
  council_state varchar(8),
  npi varchar(16),
  cpf varchar(14),
  cns varchar(18),
  occupation_code varchar(32),
  occupation text,
  specialty_code varchar(32),
  specialty text,
  rqe varchar(16),
  phone varchar(64),
  email varchar(254),
  active boolean,
  is_user boolean,
  login varchar(128)
);
create index if not exists practitioners_organization_id on practitioners (organization_id);

-- Persons. `safety_hold` is shown above the chart until a person has read it.
create table if not exists patients (
  id uuid primary key,
  organization_id uuid references organizations (id),
  primary_practitioner_id uuid references practitioners (id),
  full_name text not null,
  family_name text,
  given_name text,
  middle_name text,
  name_prefix varchar(32),
  name_suffix varchar(32),
  social_name text,
  previous_name text,
  mother_name text,
  birth_date date,
  birth_date_precision text check (birth_date_precision in ('Y', 'M', 'D')),
  birth_date_text text,
  birth_place text,
  nationality varchar(64),
  sex text check (sex in ('male', 'female', 'other', 'unknown')),
  sex_text text,
  gender_identity text,
  race_code varchar(64),
  race_system varchar(255),
  race text,
  ethnicity text,
  marital_status_code varchar(64),
  marital_status_system varchar(255),
  marital_status text,
  language_code varchar(35),
  occupation text,
  deceased boolean,
  death_date date,
  active boolean,
  registered_on date,
  phone varchar(64),
  email varchar(254),
  address_line text,
  address_number varchar(32),
  address_complement text,
  district varchar(128),
  city varchar(128),
  state varchar(64),
  postal_code varchar(16),
  country varchar(64),
  notes text,
  confidentiality text check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason text,
  safety_hold text
);
create index if not exists patients_full_name on patients (full_name);
create index if not exists patients_birth_date on patients (birth_date);
create index if not exists patients_organization_id on patients (organization_id);

-- Documents and numbers of a patient.
create table if not exists patient_identifiers (
  id uuid primary key,
  patient_id uuid not null references patients (id),
  kind varchar(64) not null,
  value varchar(128) not null,
  system varchar(255),
  assigner text,
  assigner_region varchar(64),
  use text check (use in ('usual', 'official', 'secondary', 'temp', 'old')),
  valid_from date,
  valid_to date,
  check_status text check (check_status in ('valid', 'invalid', 'n/a', 'placeholder')),
  confidentiality text check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason text,
  safety_hold text
);
create index if not exists patient_identifiers_patient_id on patient_identifiers (patient_id);
create index if not exists patient_identifiers_kind_value on patient_identifiers (kind, value);

-- Charts that belong together, or perhaps do.
create table if not exists patient_links (
  id uuid primary key,
  patient_id uuid not null references patients (id),
  other_patient_id uuid not null references patients (id),
  kind text not null check (kind in ('replaced-by', 'replaces', 'seealso', 'possible-duplicate')),
  score numeric,
  evidence text,
  decided_by text,
  decided_at timestamptz,
  confidentiality text check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason text,
  safety_hold text
);
create index if not exists patient_links_patient_id on patient_links (patient_id);
create index if not exists patient_links_other_patient_id on patient_links (other_patient_id);

-- Addresses and numbers of patients, and the people around them.
create table if not exists patient_contacts (
  id uuid primary key,
  patient_id uuid not null references patients (id),
  role text not null check (role in ('self-address', 'self-phone', 'self-email', 'mother', 'father', 'legal-guardian', 'emergency', 'financial', 'employer', 'other')),
  name text,
  birth_date date,
  birth_date_precision text check (birth_date_precision in ('Y', 'M', 'D')),
  sex text check (sex in ('male', 'female', 'other', 'unknown')),
  doc_type varchar(64),
  doc_value varchar(128),
  relationship_code varchar(64),
  relationship_system varchar(255),
  relationship text,
  address_line text,
  address_number varchar(32),
  address_complement text,
  district varchar(128),
  city varchar(128),
  city_code varchar(16),
  state varchar(64),
  postal_code varchar(16),
  country varchar(64),
  address_text text,
  telecom_kind text check (telecom_kind in ('phone', 'fax', 'email', 'pager', 'url', 'sms', 'other')),
  telecom_value varchar(254),
  telecom_text text,
  use text check (use in ('home', 'work', 'temp', 'old', 'mobile', 'billing')),
  ok_to_contact boolean,
  preferred boolean,
  valid_from date,
  valid_to date,
  note text,
  confidentiality text check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason text
);
create index if not exists patient_contacts_patient_id on patient_contacts (patient_id);

-- Files that belong to charts.
create table if not exists attachments (
  id uuid primary key,
  patient_id uuid references patients (id),
  owner_category varchar(64),
  owner_source_key varchar(255),
  title text,
  category_code varchar(64),
  category_system varchar(255),
  category text,
  file_name text not null,
  source_path text,
  media_type varchar(128),
  media_type_text text,
  size bigint check (size >= 0),
  sha256 varchar(64),
  page_count bigint check (page_count >= 0),
  readable boolean,
  encrypted boolean,
  av_status text check (av_status in ('clean', 'infected', 'not-scanned')),
  created_at timestamptz,
  created_precision text check (created_precision in ('Y', 'M', 'D', 'm', 's')),
  storage_uri text,
  missing boolean,
  confidentiality text check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason text
);
create index if not exists attachments_patient_id on attachments (patient_id);

-- Insurance of patients by period.
create table if not exists coverages (
  id uuid primary key,
  patient_id uuid not null references patients (id),
  payer_id uuid references organizations (id),
  card_attachment_id uuid references attachments (id),
  payer text,
  plan_name text,
  plan_code varchar(64),
  member_number varchar(64),
  subscriber_number varchar(64),
  group_number varchar(64),
  subscriber_name text,
  relationship text check (relationship in ('child', 'parent', 'spouse', 'common', 'other', 'self', 'injured')),
  relationship_text text,
  priority bigint check (priority >= 1),
  period_start date,
  period_start_precision text check (period_start_precision in ('Y', 'M', 'D')),
  period_end date,
  period_end_precision text check (period_end_precision in ('Y', 'M', 'D')),
  status text check (status in ('active', 'cancelled', 'draft', 'entered-in-error')),
  status_text text,
  note text,
  confidentiality text check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason text
);
create index if not exists coverages_patient_id on coverages (patient_id);

-- The diary. `patient_id` is empty for a block.
create table if not exists appointments (
  id uuid primary key,
  patient_id uuid references patients (id),
  practitioner_id uuid references practitioners (id),
  organization_id uuid references organizations (id),
  location_id uuid references locations (id),
  service_id uuid references healthcare_services (id),
  coverage_id uuid references coverages (id),
  kind text check (kind in ('visit', 'block')),
  start_at timestamptz not null,
  end_at timestamptz,
  duration_min bigint check (duration_min >= 0),
  all_day boolean,
  status text check (status in ('proposed', 'pending', 'booked', 'arrived', 'fulfilled', 'cancelled', 'noshow', 'entered-in-error', 'checked-in', 'waitlist')),
  status_text text,
  cancel_reason text,
  type text,
  service text,
  reason text,
  channel text check (channel in ('in-person', 'tele')),
  room varchar(64),
  series_id varchar(64),
  booked_at timestamptz,
  confirmed_at timestamptz,
  notes text,
  confidentiality text check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason text,
  safety_hold text
);
create index if not exists appointments_patient_id on appointments (patient_id);
create index if not exists appointments_practitioner_id_start_at on appointments (practitioner_id, start_at);

-- Contacts that took place.
create table if not exists encounters (
  id uuid primary key,
  patient_id uuid not null references patients (id),
  practitioner_id uuid references practitioners (id),
  organization_id uuid references organizations (id),
  appointment_id uuid references appointments (id),
  location_id uuid references locations (id),
  class text check (class in ('AMB', 'EMER', 'IMP', 'HH', 'VR')),
  class_text text,
  status text check (status in ('planned', 'arrived', 'triaged', 'in-progress', 'onleave', 'finished', 'cancelled', 'entered-in-error', 'unknown')),
  status_text text,
  type_code varchar(64),
  type_system varchar(255),
  type_display text,
  start_at timestamptz not null,
  end_at timestamptz,
  reason_code varchar(64),
  reason_system varchar(255),
  reason_display text,
  chief_complaint text,
  disposition text,
  derived boolean,
  confidentiality text check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason text
);
create index if not exists encounters_patient_id_start_at on encounters (patient_id, start_at);
create index if not exists encounters_practitioner_id on encounters (practitioner_id);
create index if not exists encounters_appointment_id on encounters (appointment_id);

-- Notes, letters and reports; `body` is the text as it was written.
create table if not exists clinical_documents (
  id uuid primary key,
  patient_id uuid not null references patients (id),
  encounter_id uuid references encounters (id),
  author_id uuid references practitioners (id),
  signer_id uuid references practitioners (id),
  original_attachment_id uuid references attachments (id),
  type_code varchar(64),
  type_system varchar(255),
  type_text text,
  title text,
  authored_at timestamptz not null,
  authored_precision text check (authored_precision in ('Y', 'M', 'D', 'm', 's')),
  signed_at timestamptz,
  attestation text check (attestation in ('none', 'password', 'e-signature', 'ICP-Brasil')),
  status text check (status in ('draft', 'final', 'amended', 'entered-in-error')),
  version bigint check (version >= 1),
  body text not null,
  body_html text,
  original_format varchar(64),
  confidentiality text check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason text
);
create index if not exists clinical_documents_patient_id_authored_at on clinical_documents (patient_id, authored_at);
create index if not exists clinical_documents_encounter_id on clinical_documents (encounter_id);

-- Diagnoses and problems.
create table if not exists conditions (
  id uuid primary key,
  patient_id uuid not null references patients (id),
  encounter_id uuid references encounters (id),
  recorder_id uuid references practitioners (id),
  code varchar(64),
  code_system varchar(255),
  description text not null,
  source_code varchar(128),
  source_system varchar(255),
  source_text text not null,
  category text check (category in ('problem-list', 'encounter-dx', 'history', 'suspicion')),
  clinical_status text check (clinical_status in ('active', 'recurrence', 'relapse', 'inactive', 'remission', 'resolved')),
  verification_status text check (verification_status in ('unconfirmed', 'provisional', 'differential', 'confirmed', 'refuted', 'entered-in-error')),
  onset_on date,
  onset_precision text check (onset_precision in ('Y', 'M', 'D')),
  abatement_on date,
  recorded_at timestamptz,
  severity text check (severity in ('mild', 'moderate', 'severe')),
  body_site text,
  rank bigint,
  note text,
  confidentiality text check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason text,
  safety_hold text
);
create index if not exists conditions_patient_id on conditions (patient_id);
create index if not exists conditions_encounter_id on conditions (encounter_id);

-- Allergies, intolerances, and the statement that none is known.
create table if not exists allergies (
  id uuid primary key,
  patient_id uuid not null references patients (id),
  encounter_id uuid references encounters (id),
  recorder_id uuid references practitioners (id),
  assertion text not null check (assertion in ('allergy', 'no-known-allergy', 'no-known-drug-allergy', 'not-asked', 'unable')),
  type text check (type in ('allergy', 'intolerance', 'adverse')),
  category text check (category in ('medication', 'food', 'environment', 'biologic')),
  substance_code varchar(64),
  substance_system varchar(255),
  substance text not null,
  source_system varchar(255),
  source_text text not null,
  clinical_status text check (clinical_status in ('active', 'inactive', 'resolved')),
  verification_status text check (verification_status in ('unconfirmed', 'presumed', 'confirmed', 'refuted', 'entered-in-error')),
  criticality text check (criticality in ('low', 'high', 'unable-to-assess')),
  onset_on date,
  onset_precision text check (onset_precision in ('Y', 'M', 'D')),
  abatement_on date,
  recorded_at timestamptz,
  reaction_1_code varchar(64),
  reaction_1 text,
  reaction_1_severity text check (reaction_1_severity in ('mild', 'moderate', 'severe')),
  reaction_2_code varchar(64),
  reaction_2 text,
  reaction_2_severity text check (reaction_2_severity in ('mild', 'moderate', 'severe')),
  note text,
  confidentiality text check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason text,
  safety_hold text
);
create index if not exists allergies_patient_id on allergies (patient_id);
create index if not exists allergies_encounter_id on allergies (encounter_id);

-- Family history, and the statement that there is none.
create table if not exists family_histories (
  id uuid primary key,
  patient_id uuid not null references patients (id),
  encounter_id uuid references encounters (id),
  recorder_id uuid references practitioners (id),
  assertion text not null check (assertion in ('condition', 'none-known', 'not-asked', 'unable')),
  status text check (status in ('partial', 'completed', 'entered-in-error', 'health-unknown')),
  relation_code varchar(64),
  relation_system varchar(255),
  relation text,
  relative_name text,
  sex text check (sex in ('male', 'female', 'other', 'unknown')),
  condition_code varchar(64),
  condition_system varchar(255),
  condition text,
  source_code varchar(128),
  source_text text,
  onset_age numeric,
  onset_text text,
  age numeric,
  deceased boolean,
  death_age numeric,
  contributed_to_death boolean,
  outcome text,
  recorded_at timestamptz,
  note text,
  confidentiality text check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason text
);
create index if not exists family_histories_patient_id on family_histories (patient_id);

-- Warnings above the chart.
create table if not exists flags (
  id uuid primary key,
  patient_id uuid not null references patients (id),
  encounter_id uuid references encounters (id),
  author_id uuid references practitioners (id),
  category text check (category in ('diet', 'drug', 'lab', 'admin', 'contact', 'clinical', 'behavioral', 'research', 'advance-directive', 'safety')),
  code varchar(64),
  code_system varchar(255),
  description text not null,
  source_code varchar(128),
  source_text text not null,
  status text check (status in ('active', 'inactive', 'entered-in-error')),
  status_text text,
  priority text,
  start_at timestamptz,
  start_precision text check (start_precision in ('Y', 'M', 'D', 'm', 's')),
  end_at timestamptz,
  end_precision text check (end_precision in ('Y', 'M', 'D', 'm', 's')),
  note text,
  confidentiality text check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason text,
  safety_hold text
);
create index if not exists flags_patient_id on flags (patient_id);

-- Prescriptions, statements, administrations and dispenses.
create table if not exists medications (
  id uuid primary key,
  patient_id uuid not null references patients (id),
  encounter_id uuid references encounters (id),
  prescriber_id uuid references practitioners (id),
  kind text not null check (kind in ('statement', 'prescription', 'administration', 'dispense')),
  drug_code varchar(64),
  drug_system varchar(255),
  drug text not null,
  source_text text not null,
  status text check (status in ('active', 'on-hold', 'cancelled', 'completed', 'entered-in-error', 'stopped', 'draft', 'unknown')),
  status_text text,
  intent varchar(64),
  instructions text,
  dose_quantity numeric,
  dose_unit varchar(64),
  route_code varchar(64),
  route text,
  frequency_code varchar(64),
  as_needed boolean,
  duration_value numeric,
  duration_unit varchar(64),
  quantity numeric,
  refills bigint check (refills >= 0),
  start_at timestamptz,
  start_precision text check (start_precision in ('Y', 'M', 'D', 'm', 's')),
  end_at timestamptz,
  end_precision text check (end_precision in ('Y', 'M', 'D', 'm', 's')),
  written_at timestamptz,
  reason_code varchar(64),
  reason_system varchar(255),
  reason_display text,
  continuous_use boolean,
  controlled_class varchar(64),
  note text,
  confidentiality text check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason text,
  safety_hold text
);
create index if not exists medications_patient_id on medications (patient_id);
create index if not exists medications_encounter_id on medications (encounter_id);

-- Vaccines given or expressly not given.
create table if not exists immunizations (
  id uuid primary key,
  patient_id uuid not null references patients (id),
  encounter_id uuid references encounters (id),
  performer_id uuid references practitioners (id),
  organization_id uuid references organizations (id),
  location_id uuid references locations (id),
  vaccine_code varchar(64),
  vaccine_system varchar(255),
  vaccine text not null,
  source_code varchar(128),
  source_text text not null,
  occurred_at timestamptz not null,
  occurred_precision text check (occurred_precision in ('Y', 'M', 'D', 'm', 's')),
  status text not null check (status in ('completed', 'not-done', 'entered-in-error')),
  dose_number varchar(64),
  series varchar(64),
  dose_quantity numeric,
  dose_unit varchar(64),
  lot varchar(64),
  expires_on date,
  manufacturer text,
  site text,
  route text,
  primary_source boolean,
  not_done_reason text,
  note text,
  confidentiality text check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason text
);
create index if not exists immunizations_patient_id_occurred_at on immunizations (patient_id, occurred_at);
create index if not exists immunizations_encounter_id on immunizations (encounter_id);

-- Vital signs, laboratory results, scores and answers.
create table if not exists observations (
  id uuid primary key,
  patient_id uuid not null references patients (id),
  encounter_id uuid references encounters (id),
  performer_id uuid references practitioners (id),
  organization_id uuid references organizations (id),
  category text check (category in ('vital', 'lab', 'social', 'exam', 'survey', 'imaging', 'procedure', 'therapy', 'activity')),
  code varchar(64),
  code_system varchar(255),
  description text not null,
  source_code varchar(128),
  source_text text not null,
  panel_key varchar(255),
  sequence bigint,
  effective_at timestamptz not null,
  effective_precision text check (effective_precision in ('Y', 'M', 'D', 'm', 's')),
  issued_at timestamptz,
  value_number numeric,
  value_unit varchar(64),
  value_code varchar(64),
  value_text text,
  value_boolean boolean,
  value_datetime timestamptz,
  value_source text,
  comparator text check (comparator in ('<', '<=', '>=', '>')),
  reference_low numeric,
  reference_high numeric,
  reference_text text,
  flag_code varchar(64),
  status text check (status in ('registered', 'preliminary', 'final', 'amended', 'corrected', 'cancelled', 'entered-in-error', 'unknown')),
  specimen text,
  method text,
  device text,
  order_number varchar(64),
  note text,
  confidentiality text check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason text
);
create index if not exists observations_patient_id_effective_at on observations (patient_id, effective_at);
create index if not exists observations_encounter_id on observations (encounter_id);

-- What was done.
create table if not exists procedures (
  id uuid primary key,
  patient_id uuid not null references patients (id),
  encounter_id uuid references encounters (id),
  performer_id uuid references practitioners (id),
  organization_id uuid references organizations (id),
  location_id uuid references locations (id),
  code varchar(64),
  code_system varchar(255),
  description text not null,
  source_code varchar(128),
  source_system varchar(255),
  source_text text not null,
  status text check (status in ('preparation', 'in-progress', 'not-done', 'on-hold', 'stopped', 'completed', 'entered-in-error', 'unknown')),
  start_at timestamptz,
  end_at timestamptz,
  performed_precision text check (performed_precision in ('Y', 'M', 'D', 'm', 's')),
  body_site text,
  reason_code varchar(64),
  reason_system varchar(255),
  reason_display text,
  outcome text,
  tooth varchar(16),
  note text,
  confidentiality text check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason text
);
create index if not exists procedures_patient_id_start_at on procedures (patient_id, start_at);
create index if not exists procedures_encounter_id on procedures (encounter_id);

-- What patients agreed to or refused.
create table if not exists consents (
  id uuid primary key,
  patient_id uuid not null references patients (id),
  encounter_id uuid references encounters (id),
  document_id uuid references clinical_documents (id),
  attachment_id uuid references attachments (id),
  recorder_id uuid references practitioners (id),
  type_code varchar(64),
  type_system varchar(255),
  type text not null,
  scope text check (scope in ('adr', 'research', 'patient-privacy', 'treatment')),
  decision text check (decision in ('permit', 'deny')),
  decision_text text,
  status text check (status in ('draft', 'proposed', 'active', 'rejected', 'inactive', 'entered-in-error')),
  status_text text,
  given_at timestamptz,
  given_precision text check (given_precision in ('Y', 'M', 'D', 'm', 's')),
  given_by text,
  given_by_relationship text,
  valid_from date,
  valid_to date,
  revoked_at timestamptz,
  revoked_precision text check (revoked_precision in ('Y', 'M', 'D', 'm', 's')),
  note text,
  confidentiality text check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason text
);
create index if not exists consents_patient_id on consents (patient_id);

-- The ledger: one line a charge, payment or adjustment.
create table if not exists account_entries (
  id uuid primary key,
  patient_id uuid not null references patients (id),
  coverage_id uuid references coverages (id),
  encounter_id uuid references encounters (id),
  practitioner_id uuid references practitioners (id),
  kind text not null check (kind in ('charge', 'payment', 'adjustment', 'refund', 'credit', 'opening-balance', 'write-off')),
  code varchar(64),
  code_system varchar(255),
  code_display text,
  source_code varchar(128),
  description text,
  quantity numeric,
  unit_price numeric,
  amount numeric not null,
  currency varchar(3) not null,
  occurred_on date not null,
  occurred_on_precision text check (occurred_on_precision in ('Y', 'M', 'D')),
  due_on date,
  posted_at timestamptz,
  method text check (method in ('cash', 'card', 'check', 'transfer', 'direct-debit', 'pix', 'boleto', 'insurer', 'other')),
  method_text text,
  installment bigint check (installment >= 1),
  installments bigint check (installments >= 1),
  claim_number varchar(64),
  invoice_number varchar(64),
  status text check (status in ('draft', 'issued', 'balanced', 'cancelled', 'entered-in-error')),
  status_text text,
  note text,
  confidentiality text check (confidentiality in ('N', 'R', 'V')),
  confidentiality_reason text
);
create index if not exists account_entries_patient_id_occurred_on on account_entries (patient_id, occurred_on);
create index if not exists account_entries_encounter_id on account_entries (encounter_id);
