create table entries (id text primary key, name text, note text, code text) strict;
create index entry_names on entries (name);
create table remarks (id text primary key, entry_id text not null references entries (id), text text) strict;
create table keys (id text primary key, label text) strict;
