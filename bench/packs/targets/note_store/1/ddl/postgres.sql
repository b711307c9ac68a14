create table patients (fullname text, address text, phone text, birth_date text, country text, gender text);
create table records (id text, patient text, date text, subtext text, text text);
create table schedules (id text, patient text, date text, time text, status text, text text);
