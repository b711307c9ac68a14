create table people (
  id uuid primary key, reference text not null, full_name text not null, birth_date date, phone text, city text, hold text
);
create table identifiers (
  id uuid primary key, person_id uuid not null references people (id), number text not null, hold text
);
create table allergies (
  id uuid primary key, person_id uuid not null references people (id), person_name text, substance text not null, hold text
);
