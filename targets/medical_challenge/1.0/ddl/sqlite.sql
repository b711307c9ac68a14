-- The same tables as postgres.sql, for SQLite: uuid, date and timestamptz (ISO 8601 in UTC) are text.

-- Insurers.
create table if not exists convenios (
  id TEXT not null primary key,
  nome TEXT not null check (length(nome) <= 255),
  descricao TEXT
) strict;

-- Professionals.
create table if not exists profissionais (
  id TEXT not null primary key,
  nome TEXT not null check (length(nome) <= 255),
  crm TEXT check (length(crm) <= 64)
) strict;

-- What can be booked.
create table if not exists procedimentos (
  id TEXT not null primary key,
  nome TEXT not null check (length(nome) <= 255),
  descricao TEXT
) strict;

-- Patients.
create table if not exists pacientes (
  id TEXT not null primary key,
  nome TEXT not null check (length(nome) <= 255),
  sexo TEXT check (sexo in ('Masculino', 'Feminino')),
  nascimento TEXT,
  cpf TEXT check (length(cpf) <= 14),
  rg TEXT check (length(rg) <= 20),
  id_convenio TEXT references convenios (id),
  cod_referencia TEXT check (length(cod_referencia) <= 255),
  pendencias TEXT
) strict;
create index if not exists pacientes_cpf on pacientes (cpf);
create index if not exists pacientes_nome_nascimento on pacientes (nome, nascimento);

-- Appointments.
create table if not exists agendamentos (
  id TEXT not null primary key,
  id_paciente TEXT not null references pacientes (id),
  id_profissional TEXT not null references profissionais (id),
  dh_inicio TEXT not null,
  dh_fim TEXT,
  id_convenio TEXT references convenios (id),
  id_procedimento TEXT references procedimentos (id),
  observacoes TEXT,
  pendencias TEXT
) strict;
create index if not exists agendamentos_id_paciente on agendamentos (id_paciente);
create index if not exists agendamentos_id_profissional_dh_inicio on agendamentos (id_profissional, dh_inicio);
