-- The tables as they are in use. Where they exist already, only the columns `pendencias` have to be added.

-- Insurers.
create table if not exists convenios (
  id uuid primary key,
  nome varchar(255) not null,
  descricao text
);

-- Professionals.
create table if not exists profissionais (
  id uuid primary key,
  nome varchar(255) not null,
  crm varchar(64)
);

-- What can be booked.
create table if not exists procedimentos (
  id uuid primary key,
  nome varchar(255) not null,
  descricao text
);

-- Patients.
create table if not exists pacientes (
  id uuid primary key,
  nome varchar(255) not null,
  sexo text check (sexo in ('Masculino', 'Feminino')),
  nascimento date,
  cpf varchar(14),
  rg varchar(20),
  id_convenio uuid references convenios (id),
  cod_referencia varchar(255),
  pendencias text
);
create index if not exists pacientes_cpf on pacientes (cpf);
create index if not exists pacientes_nome_nascimento on pacientes (nome, nascimento);

-- Appointments.
create table if not exists agendamentos (
  id uuid primary key,
  id_paciente uuid not null references pacientes (id),
  id_profissional uuid not null references profissionais (id),
  dh_inicio timestamptz not null,
  dh_fim timestamptz,
  id_convenio uuid references convenios (id),
  id_procedimento uuid references procedimentos (id),
  observacoes text,
  pendencias text
);
create index if not exists agendamentos_id_paciente on agendamentos (id_paciente);
create index if not exists agendamentos_id_profissional_dh_inicio on agendamentos (id_profissional, dh_inicio);
