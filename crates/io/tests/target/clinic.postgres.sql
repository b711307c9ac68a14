CREATE TABLE practitioners (code text PRIMARY KEY, name text);
CREATE TABLE patients (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  visits bigint,
  weight numeric,
  active boolean,
  born date,
  seen timestamptz
);
CREATE TABLE encounters (
  id uuid PRIMARY KEY,
  patient uuid NOT NULL REFERENCES patients (id),
  practitioner text REFERENCES practitioners (code),
  part_of uuid REFERENCES encounters (id),
  note text
);
