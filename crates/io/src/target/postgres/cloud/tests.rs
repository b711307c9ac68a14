//! Known answers: what botocore 1.44.5 `generate_db_auth_token` gives for the same keys with its clock at the same time.

use chrono::DateTime;
use object_store::aws::AwsCredential;

use super::{region_of_host, token};

fn made(
    time: &str,
    keys: (&str, &str, Option<&str>),
    region: &str,
    host: &str,
    port: u16,
    user: &str,
) -> String {
    let (key_id, secret_key, session) = keys;
    let credential = AwsCredential {
        key_id: key_id.into(),
        secret_key: secret_key.into(),
        token: session.map(str::to_owned),
    };
    let now = DateTime::parse_from_rfc3339(time).unwrap().to_utc();
    token(&credential, region, host, port, user, now)
}

#[test]
fn tokens_are_those_of_botocore() {
    assert_eq!(
        made(
            "2026-01-02T03:04:05Z",
            ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", None),
            "eu-west-1",
            "clinic.abc123.eu-west-1.rds.amazonaws.com",
            5432,
            "chartlift"
        ),
        "clinic.abc123.eu-west-1.rds.amazonaws.com:5432/?Action=connect&DBUser=chartlift&\
         X-Amz-Algorithm=AWS4-HMAC-SHA256&\
         X-Amz-Credential=AKIDEXAMPLE%2F20260102%2Feu-west-1%2Frds-db%2Faws4_request&\
         X-Amz-Date=20260102T030405Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&\
         X-Amz-Signature=e305752b30cec3aa642ce79a992d60287863335cf0c87a19711cff5ae4a4efe6"
    );
    assert_eq!(
        made(
            "2024-12-31T23:59:59Z",
            ("ASIDEXAMPLE", "secret/with+signs=", Some("tok/en+with=signs&more")),
            "sa-east-1",
            "Clinic-2.abc.sa-east-1.rds.amazonaws.com",
            6432,
            "jane doe@x"
        ),
        "Clinic-2.abc.sa-east-1.rds.amazonaws.com:6432/?Action=connect&DBUser=jane%20doe%40x&\
         X-Amz-Algorithm=AWS4-HMAC-SHA256&\
         X-Amz-Credential=ASIDEXAMPLE%2F20241231%2Fsa-east-1%2Frds-db%2Faws4_request&\
         X-Amz-Date=20241231T235959Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&\
         X-Amz-Security-Token=tok%2Fen%2Bwith%3Dsigns%26more&\
         X-Amz-Signature=816acfd1c99da02a22b5dbc9981e00b83667b8521dfb64943f2455de5a2f3c12"
    );
    assert_eq!(
        made(
            "2026-06-30T12:00:00Z",
            ("AKIDEXAMPLE", "secret", None),
            "us-east-1",
            "db.example.org",
            443,
            "migração"
        ),
        "db.example.org:443/?Action=connect&DBUser=migra%C3%A7%C3%A3o&X-Amz-Algorithm=AWS4-HMAC-SHA256&\
         X-Amz-Credential=AKIDEXAMPLE%2F20260630%2Fus-east-1%2Frds-db%2Faws4_request&\
         X-Amz-Date=20260630T120000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&\
         X-Amz-Signature=4eb4b476940c0a4b5e0d359e9aa2757c2ad0295f26950fa20c7c5df7eff93cda"
    );
}

#[test]
fn a_host_tells_its_region() {
    assert_eq!(region_of_host("a.b.eu-west-1.rds.amazonaws.com").as_deref(), Some("eu-west-1"));
    assert_eq!(region_of_host("a.b.cn-north-1.rds.amazonaws.com.cn").as_deref(), Some("cn-north-1"));
    assert_eq!(region_of_host("db.example.org"), None);
}
