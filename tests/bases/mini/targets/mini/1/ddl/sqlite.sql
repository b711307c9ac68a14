create table people (
  id text primary key, full_name text not null, birth_date text, sex text, phone text, migration_hold text
) strict;
create table visits (
  id text primary key, person_id text not null references people (id), visit_date text not null, status text
) strict;
create table notes (
  id text primary key, person_id text not null references people (id), written text, text text
) strict;
