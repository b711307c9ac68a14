create table entries (id text primary key, name text, note text, code varchar(60));
create index on entries (name);
create table remarks (id text primary key, entry_id text not null references entries (id), text text);
create table keys (id text primary key, label text);
