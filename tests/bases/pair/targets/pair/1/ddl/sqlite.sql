create table people (
  id text primary key, reference text not null, full_name text not null, birth_date text, phone text, city text, hold text
) strict;
create table identifiers (
  id text primary key, person_id text not null references people (id), number text not null, hold text
) strict;
create table allergies (
  id text primary key, person_id text not null references people (id), person_name text, substance text not null, hold text
) strict;
