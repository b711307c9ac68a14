create table person (id uuid primary key, name text, born date);
create table worker (id uuid primary key, name text);
create table visit (
  id uuid primary key,
  person_id uuid references person,
  worker_id uuid references worker,
  started timestamp with time zone,
  kind text,
  minutes integer,
  fee numeric(10, 2),
  paid boolean,
  note text
);
create index visit_person on visit (person_id);
