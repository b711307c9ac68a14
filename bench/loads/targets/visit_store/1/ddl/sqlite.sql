create table person (id text not null primary key, name text, born text) strict;
create table worker (id text not null primary key, name text) strict;
create table visit (
  id text not null primary key,
  person_id text references person,
  worker_id text references worker,
  started text,
  kind text,
  minutes integer,
  fee text,
  paid integer,
  note text
) strict;
create index visit_person on visit (person_id);
