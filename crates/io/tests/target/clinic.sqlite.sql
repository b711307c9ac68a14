CREATE TABLE practitioners (code TEXT PRIMARY KEY NOT NULL, name TEXT) STRICT;
CREATE TABLE patients (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL,
  visits INTEGER,
  weight TEXT,
  active INTEGER CHECK (active IN (0, 1)),
  born TEXT,
  seen TEXT
) STRICT;
CREATE TABLE encounters (
  id TEXT PRIMARY KEY NOT NULL,
  patient TEXT NOT NULL REFERENCES patients (id),
  practitioner TEXT REFERENCES practitioners (code),
  part_of TEXT REFERENCES encounters (id),
  note TEXT
) STRICT;
