create table people (
  id uuid primary key, full_name text not null, birth_date date, sex text, phone text, migration_hold text
);
create table visits (
  id uuid primary key, person_id uuid not null references people (id), visit_date date not null, status text
);
create table notes (
  id uuid primary key, person_id uuid not null references people (id), written date, text text
);
