//! What only PostgreSQL's catalogue has: late checks, policies, partitions, privileges, servers that take no writes.

use chartlift_io::target::{Sequence, Target, TypeClass, connect};

use crate::place::{Place, header};

const TABLES: &str = "
CREATE TABLE parents (id bigint PRIMARY KEY);
CREATE SEQUENCE \"Odd.Name\";
CREATE TABLE children (
  id serial PRIMARY KEY, number bigint DEFAULT nextval('\"Odd.Name\"'),
  parent bigint CONSTRAINT late REFERENCES parents DEFERRABLE INITIALLY DEFERRED,
  other bigint CONSTRAINT early REFERENCES parents DEFERRABLE,
  amount numeric(8,2) CONSTRAINT positive CHECK (amount > 0)
);
CREATE TABLE parts (id bigint, day date) PARTITION BY RANGE (day);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2020-01-01') TO ('2030-01-01');
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;
CREATE TRIGGER whole BEFORE INSERT OR UPDATE ON parts FOR EACH ROW EXECUTE FUNCTION f();
CREATE TRIGGER part AFTER INSERT ON parts_1 FOR EACH ROW EXECUTE FUNCTION f();
CREATE TRIGGER gone AFTER DELETE ON parts FOR EACH ROW EXECUTE FUNCTION f();
ALTER TABLE parts_1 DISABLE TRIGGER part;
";

async fn catalog(target: &dyn Target, names: &[&str]) -> chartlift_io::target::Catalog {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    target.catalog(&names).await.expect("a catalogue")
}

#[tokio::test]
async fn tells_what_a_table_has_besides_columns() {
    let place = Place::postgres().await;
    place.execute(TABLES).await;
    let found = catalog(place.target().await.as_ref(), &["children", "parts"]).await;
    let [children, parts] = found.tables.as_slice() else { panic!("two tables") };
    let deferred: Vec<(&str, bool)> =
        children.facts.deferred.iter().map(|one| (one.constraint.as_str(), one.initially)).collect();
    assert_eq!(deferred, [("early", false), ("late", true)]);
    assert_eq!(children.facts.pending_bytes(1_000_000), 16_000_000);
    let sequence =
        |name: &str, column: &str| Sequence { name: name.into(), column: column.into(), usable: true };
    assert_eq!(
        children.facts.sequences,
        [sequence("children_id_seq", "id"), sequence("\"Odd.Name\"", "number")]
    );
    assert_eq!(children.facts.checks[0].columns, ["amount"]);
    assert_eq!(children.facts.checks[0].constraint, "positive");
    assert!(parts.facts.partitioned && !children.facts.partitioned);
    let triggers: Vec<(&str, &str, &str, bool)> = parts
        .facts
        .triggers
        .iter()
        .map(|one| (one.name.as_str(), one.partition.as_str(), one.fires.as_str(), one.enabled))
        .collect();
    assert_eq!(
        triggers,
        [("whole", "", "BEFORE INSERT OR UPDATE", true), ("part", "parts_1", "AFTER INSERT", false)]
    );
    assert!(found.read_only.is_none() && found.lacks.is_empty());
    place.remove().await;
}

#[tokio::test]
async fn names_each_privilege_that_is_missing() {
    let place = Place::postgres().await;
    let target = place.target().await;
    target.init(None).await.expect("bookkeeping");
    // Roles are the server's: this one's name is the database's.
    let database = place.url().rsplit('/').next().expect("a name").to_owned();
    let role = format!("poor_{database}");
    place
        .execute(&format!(
            "{TABLES} CREATE SCHEMA hidden; CREATE TABLE hidden.rows (id text); CREATE ROLE {role} LOGIN; \
             GRANT SELECT, INSERT (parent, amount), SELECT ON children TO {role}; \
             GRANT SELECT ON hidden.rows TO {role}; GRANT USAGE ON SCHEMA chartlift TO {role}; \
             GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA chartlift TO {role}; \
             ALTER TABLE parts ENABLE ROW LEVEL SECURITY; GRANT SELECT, INSERT ON parts TO {role}"
        ))
        .await;
    let url = place.url().replace("//postgres@", &format!("//{role}@"));
    let poor = connect(&url).await.expect("the role logs in");
    let found = catalog(poor.as_ref(), &["children", "hidden.rows", "parts"]).await;
    let [children, hidden, parts] = found.tables.as_slice() else { panic!("three tables") };
    let lacks = |column: &str| children.column(column).expect("a column").lacks.clone();
    assert_eq!(lacks("id"), ["INSERT", "UPDATE"]);
    assert_eq!(lacks("amount"), ["UPDATE"]);
    assert!(children.facts.sequences.iter().all(|sequence| !sequence.usable));
    assert!(!children.facts.owned && !children.facts.may_analyze && !children.facts.may_lock);
    assert_eq!(hidden.facts.lacks, ["USAGE on schema hidden"]);
    assert!(parts.facts.row_security && !children.facts.row_security);
    assert!(found.lacks.contains(&"CREATE on schema chartlift".to_owned()), "{:?}", found.lacks);
    assert!(found.lacks.contains(&"UPDATE on table chartlift.load".to_owned()), "{:?}", found.lacks);
    assert_eq!(poor.analyze(&["children".to_owned()]).await.expect("an answer"), ["children"]);
    place.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
    place.remove().await;
}

#[tokio::test]
async fn a_server_that_takes_no_writes_is_told() {
    let place = Place::postgres().await;
    let target = place.ready().await;
    let database = place.url().rsplit('/').next().expect("a name").to_owned();
    place.execute(&format!("ALTER DATABASE {database} SET default_transaction_read_only = on")).await;
    assert!(catalog(target.as_ref(), &["patients"]).await.read_only.is_some());
    let Err(error) = target.begin(&header("1")).await else { panic!("it takes no writes") };
    assert_eq!(error.code(), "read-only-target");
    place.remove().await;
}

#[tokio::test]
async fn tells_the_types_of_columns() {
    let place = Place::postgres().await;
    place
        .execute(
            "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN feeling AS mood; \
             CREATE TABLE kinds (a feeling, b char(3), c timestamptz(2), d varchar(9)[], e inet, f mood[], \
             g int GENERATED BY DEFAULT AS IDENTITY, h int2vector)",
        )
        .await;
    let found = catalog(place.target().await.as_ref(), &["kinds"]).await;
    let column = |name: &str| found.tables[0].column(name).expect("a column");
    assert_eq!(column("a").labels, Some(vec!["sad".to_owned(), "ok".to_owned()]));
    assert!(column("b").padded && column("b").max_length == Some(3));
    assert_eq!(column("c").precision, Some(2));
    assert!(matches!(column("d").class, TypeClass::Array(_)) && column("d").max_length == Some(9));
    for name in ["e", "f", "h"] {
        assert_eq!(column(name).class, TypeClass::Unsupported, "{name}");
    }
    assert!(column("g").identity && column("g").has_default && !column("g").generated);
    place.remove().await;
}
