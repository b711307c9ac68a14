-- The same tables as postgres.sql, for SQLite: date and timestamptz (ISO 8601 in UTC) are text. SQLite has no
-- `add column if not exists`; Chartlift leaves such a line out where the column is there.

-- Insurers.
create table if not exists convenios (
  id INTEGER primary key autoincrement,
  nome TEXT not null check (length(nome) <= 255),
  descricao TEXT
) strict;

-- Professionals.
create table if not exists profissionais (
  id INTEGER primary key autoincrement,
  nome TEXT not null check (length(nome) <= 255),
  crm TEXT check (length(crm) <= 64)
) strict;

-- What can be booked.
create table if not exists procedimentos (
  id INTEGER primary key autoincrement,
  nome TEXT not null check (length(nome) <= 255),
  descricao TEXT
) strict;

-- Patients.
create table if not exists pacientes (
  id INTEGER primary key autoincrement,
  nome TEXT not null check (length(nome) <= 255),
  sexo TEXT check (sexo in ('Masculino', 'Feminino')),
  nascimento TEXT,
  cpf TEXT check (length(cpf) <= 14),
  rg TEXT check (length(rg) <= 20),
  id_convenio INTEGER references convenios (id),
  cod_referencia TEXT check (length(cod_referencia) <= 255)
) strict;
alter table pacientes add column if not exists pendencias TEXT;

-- Appointments.
create table if not exists agendamentos (
  id INTEGER primary key autoincrement,
  id_paciente INTEGER not null references pacientes (id),
  id_profissional INTEGER not null references profissionais (id),
  dh_inicio TEXT not null,
  dh_fim TEXT,
  id_convenio INTEGER references convenios (id),
  id_procedimento INTEGER references procedimentos (id),
  observacoes TEXT
) strict;
alter table agendamentos add column if not exists pendencias TEXT;
