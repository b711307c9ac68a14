//! What the codes of findings mean, in Brazilian Portuguese: people who read no English sign for what was found.

/// One plain sentence; `None` for codes that say nothing of a chart.
pub fn summary_in_portuguese(code: &str) -> Option<&'static str> {
    SUMMARIES.iter().find(|(name, _)| *name == code).map(|(_, summary)| *summary)
}

const SUMMARIES: &[(&str, &str)] = &[
    ("type-error", "Um valor não é do tipo que o esquema declara para a coluna."),
    ("constraint-error", "Um valor viola uma restrição da sua coluna."),
    ("unfit-value", "Um valor não voltaria da sua coluna do destino como entrou."),
    ("check-failed", "Uma verificação da tabela do destino recusa uma linha."),
    ("unique-error", "Um valor que deve ser único aparece em várias linhas."),
    ("primary-key", "Falta uma parte da chave primária, ou ela aparece em várias linhas diferentes."),
    ("foreign-key", "Uma linha se refere a outra que a exportação não contém."),
    ("missing-label", "Falta no cabeçalho do arquivo uma coluna que o esquema declara."),
    ("extra-label", "Um arquivo tem uma coluna que o esquema não declara."),
    ("duplicate-label", "Um nome de coluna aparece duas vezes no cabeçalho do arquivo."),
    ("blank-label", "Uma coluna do cabeçalho do arquivo não tem nome."),
    ("extra-cell", "Um registro tem mais células do que o cabeçalho tem colunas."),
    ("missing-cell", "Um registro tem menos células do que o cabeçalho tem colunas."),
    ("quote-error", "Um campo entre aspas está quebrado: há texto depois das aspas finais, ou elas faltam."),
    ("field-too-long", "Um campo é mais longo do que o limite."),
    ("encoding-error", "Um registro tem bytes que não existem na codificação de caracteres declarada."),
    ("not-identified", "Nenhum pacote reconhece os arquivos."),
    ("ambiguous-identification", "Vários pacotes servem igualmente bem para os arquivos."),
    ("missing-table", "Falta na exportação um arquivo que o pacote exige."),
    ("no-rows", "Um arquivo ou uma tabela não tem linhas."),
    ("gate-exceeded", "Ficaram retidas mais linhas do que o limite de aceitação permite."),
    ("duplicate-row", "Uma linha é cópia exata de outra anterior e foi unida a ela."),
    ("key-conflict", "Linhas com a mesma chave têm conteúdo diferente."),
    ("fan-out", "Uma linha encontrou em uma junção mais correspondências do que a regra permite."),
    ("unreferenced", "Nenhuma linha principal chegou a esta linha de uma tabela que só é consultada."),
    ("not-migrated", "Linhas de uma tabela que o pacote ignora, com um motivo."),
    ("not-read", "Linhas de uma tabela que nenhuma regra lê."),
    ("undecided", "A condição de uma exclusão não é verdadeira nem falsa para a linha."),
    ("excluded", "Uma regra deixa a linha de fora, pelo nome."),
    ("lost-value", "Havia um valor, e a conversão não deu nada."),
    ("unmapped-code", "Um código não está em nenhuma linha do seu mapa."),
    ("parent-held", "A linha da qual esta depende ficou retida, e por isso esta também ou a referência."),
    ("residue", "Uma coluna da origem que nenhuma regra usa e ninguém ignora."),
    ("uneven-lists", "Listas de uma mesma linha que andam juntas têm comprimentos diferentes."),
    ("condition-failed", "Uma condição entre colunas, nomeada por uma regra em `checks`, vale para a linha."),
    ("repaired", "Um reparo sem perda, com nome, mudou um valor."),
    (
        "merged-by-rule",
        "Várias linhas têm a mesma chave e conteúdo diferente, e o `merge` do pacote as uniu em uma.",
    ),
    (
        "zeros-kept",
        "Valores são mais curtos que os dígitos da coluna, e ela não mostra que uma planilha tirou zeros.",
    ),
    ("attachment-missing", "Linhas nomeiam arquivos que a exportação não tem."),
    ("attachment-orphan", "Arquivos da pasta de anexos que nenhuma linha nomeia."),
    ("attachment-path", "Um nome sairia da pasta de anexos."),
    ("attachment-changed", "O SHA-256 de um arquivo não é o que a exportação declara para ele."),
    (
        "attachment-case",
        "Um arquivo foi encontrado com um nome que difere em maiúsculas ou na forma dos acentos.",
    ),
    ("attachment-shared", "Várias linhas nomeiam um mesmo arquivo."),
    (
        "ambiguous-match",
        "Não se pode dizer qual linha do destino, ou qual paciente de outro sistema, é esta.",
    ),
    ("joined-patient", "Um paciente de um sistema é a mesma pessoa que um de um sistema anterior."),
    ("format-drift", "A exportação difere na forma daquela da ordem que esta segue."),
    ("mixed-versions", "Duas entradas de uma ordem são de um mesmo sistema em versões diferentes."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_findings_in_data_has_both_languages() {
        for code in crate::code::data::CODES {
            let summary = summary_in_portuguese(code.name).unwrap_or_else(|| panic!("{}", code.name));
            assert!(summary.ends_with('.') && summary != code.summary, "{}", code.name);
            assert_eq!(summary.matches('`').count(), code.summary.matches('`').count(), "{}", code.name);
        }
        assert_eq!(SUMMARIES.len(), crate::code::data::CODES.len());
    }
}
