//! Logins that a cloud hands out: tokens for databases with IAM authentication, and secrets in Secrets Manager.
//!
//! Whose they are is found as every program in that cloud finds it: keys in the environment, a web identity, the
//! container's or the machine's own role.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use object_store::aws::{AmazonS3Builder, AwsAuthorizer, AwsCredential};
use object_store::client::{HttpConnector, HttpRequestBody, ReqwestConnector};
use object_store::{ClientOptions, CredentialProvider};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

use super::address::problem;
use crate::Error;
use crate::target::Surroundings;

/// What says who we are in the cloud.
const VARIABLES: [&str; 11] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_ENDPOINT_URL_STS",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_METADATA_ENDPOINT",
];

/// RFC 3986's unreserved characters stay as they are.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const TOKEN_SECONDS: u32 = 900;
const SERVICE: &str = "rds-db";

type Credentials = Arc<dyn CredentialProvider<Credential = AwsCredential>>;

/// Makes tokens that log a user in to a database with IAM authentication.
#[derive(Clone)]
pub(super) struct Iam {
    region: String,
    user: String,
    credentials: Credentials,
    around: Surroundings,
}

impl Iam {
    pub(super) fn of(
        given: &BTreeMap<String, String>,
        servers: &[(String, u16)],
        around: &Surroundings,
    ) -> Result<Self, Error> {
        let named = servers.iter().find_map(|(host, _)| region_of_host(host));
        let region =
            given.get("region").cloned().or(named).or_else(|| default_region(around)).ok_or_else(|| {
                problem(
                    "`auth=rds-iam` needs a region: the host names none, so add `region` or set AWS_REGION",
                )
            })?;
        let user = given.get("user").cloned().unwrap_or_default();
        Ok(Self { credentials: credentials(&region, around)?, region, user, around: around.clone() })
    }

    /// A token for one connection, made now: it cannot have ended before it is used.
    pub(super) async fn token(&self, host: &str, port: u16) -> Result<String, Error> {
        let credential = credential(&self.credentials).await?;
        Ok(token(&credential, &self.region, host, port, &self.user, self.around.now()))
    }
}

async fn credential(credentials: &Credentials) -> Result<Arc<AwsCredential>, Error> {
    credentials.get_credential().await.map_err(|source| Error::Credentials {
        problem: "no identity in the cloud was found: neither keys in the environment nor a role".into(),
        source: Some(Box::new(source)),
    })
}

fn credentials(region: &str, around: &Surroundings) -> Result<Credentials, Error> {
    // Nothing is stored there: this is the way to the cloud's chain of credentials.
    let mut builder = AmazonS3Builder::new().with_bucket_name("none").with_region(region);
    for name in VARIABLES {
        let key = name.to_ascii_lowercase().parse();
        if let (Some(value), Ok(key)) = (around.variable(name), key) {
            builder = builder.with_config(key, value);
        }
    }
    let store = builder.with_allow_http(true).build();
    let store = store.map_err(|source| Error::Credentials {
        problem: "the identity given for the cloud is not complete".into(),
        source: Some(Box::new(source)),
    })?;
    Ok(Arc::clone(store.credentials()))
}

fn default_region(around: &Surroundings) -> Option<String> {
    around.variable("AWS_REGION").or_else(|| around.variable("AWS_DEFAULT_REGION"))
}

/// `name.id.REGION.rds.amazonaws.com`
fn region_of_host(host: &str) -> Option<String> {
    let before = host.strip_suffix(".cn").unwrap_or(host).strip_suffix(".rds.amazonaws.com")?;
    before.rsplit_once('.').map(|(_, region)| region.to_owned())
}

/// A request to connect, signed in advance (AWS Signature Version 4, parameters in the query), without its scheme.
fn token(
    credential: &AwsCredential,
    region: &str,
    host: &str,
    port: u16,
    user: &str,
    now: DateTime<Utc>,
) -> String {
    let (day, time) = (now.format("%Y%m%d").to_string(), now.format("%Y%m%dT%H%M%SZ").to_string());
    let scope = format!("{day}/{region}/{SERVICE}/aws4_request");
    let mut parameters = vec![
        ("Action", "connect".to_owned()),
        ("DBUser", user.to_owned()),
        ("X-Amz-Algorithm", "AWS4-HMAC-SHA256".to_owned()),
        ("X-Amz-Credential", format!("{}/{scope}", credential.key_id)),
        ("X-Amz-Date", time.clone()),
        ("X-Amz-Expires", TOKEN_SECONDS.to_string()),
        ("X-Amz-SignedHeaders", "host".to_owned()),
    ];
    parameters.extend(credential.token.iter().map(|token| ("X-Amz-Security-Token", token.clone())));
    let sent = query(&parameters);
    // What is signed has them in order.
    parameters.sort();
    let name = host.to_ascii_lowercase();
    let header = if port == 443 { name } else { format!("{name}:{port}") };
    let canonical =
        format!("GET\n/\n{}\nhost:{header}\n\nhost\n{}", query(&parameters), hex(&Sha256::digest(b"")));
    let to_sign =
        format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(&Sha256::digest(canonical.as_bytes())));
    let secret = format!("AWS4{}", credential.secret_key);
    let key = [day.as_str(), region, SERVICE, "aws4_request", to_sign.as_str()]
        .iter()
        .fold(secret.into_bytes(), |key, part| mac(&key, part.as_bytes()));
    format!("{host}:{port}/?{sent}&X-Amz-Signature={}", hex(&key))
}

fn query(parameters: &[(&str, String)]) -> String {
    let pairs: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, RESERVED)))
        .collect();
    pairs.join("&")
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Fetches a secret of Secrets Manager, written as RDS writes them; `name` is its name or ARN. The parameters it holds.
pub(super) async fn secret(
    name: &str,
    region: Option<&String>,
    around: &Surroundings,
) -> Result<BTreeMap<String, String>, Error> {
    let named = name.strip_prefix("arn:").and_then(|rest| rest.split(':').nth(2)).map(str::to_owned);
    let region =
        region.cloned().or(named).or_else(|| default_region(around)).ok_or_else(|| {
            problem("`secret` needs a region: give its ARN, add `region` or set AWS_REGION")
        })?;
    let endpoint = around
        .variable("AWS_ENDPOINT_URL_SECRETS_MANAGER")
        .or_else(|| around.variable("AWS_ENDPOINT_URL"))
        .unwrap_or_else(|| format!("https://secretsmanager.{region}.amazonaws.com"));
    let credential = credential(&credentials(&region, around)?).await?;
    let answer = ask(&endpoint, name, &credential, &region).await?;
    let unlike = || Error::Credentials {
        problem: "the secret is not a JSON object with `username` and `password`".into(),
        source: None,
    };
    let text = answer.get("SecretString").and_then(|text| text.as_str()).ok_or_else(unlike)?;
    let content: serde_json::Value = serde_json::from_str(text).map_err(|_| unlike())?;
    let mut found = BTreeMap::new();
    for (member, parameter) in [
        ("username", "user"),
        ("password", "password"),
        ("host", "host"),
        ("port", "port"),
        ("dbname", "dbname"),
    ] {
        let value = match content.get(member) {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(serde_json::Value::Number(number)) => number.to_string(),
            _ => continue,
        };
        found.insert(parameter.to_owned(), value);
    }
    if found.contains_key("user") && found.contains_key("password") { Ok(found) } else { Err(unlike()) }
}

async fn ask(
    endpoint: &str,
    name: &str,
    credential: &AwsCredential,
    region: &str,
) -> Result<serde_json::Value, Error> {
    let broken = |source: Box<dyn std::error::Error + Send + Sync>| Error::Connection {
        doing: "fetch the login's secret",
        target: endpoint.to_owned(),
        source,
    };
    let body = serde_json::json!({ "SecretId": name }).to_string();
    let mut request = http::Request::post(format!("{}/", endpoint.trim_end_matches('/')))
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", "secretsmanager.GetSecretValue")
        .body(HttpRequestBody::from(body))
        .map_err(|_| problem("the address of Secrets Manager is not a URL"))?;
    AwsAuthorizer::new(credential, "secretsmanager", region).authorize(&mut request, None);
    let options = ClientOptions::new().with_allow_http(true);
    let client = ReqwestConnector::default().connect(&options).map_err(|error| broken(Box::new(error)))?;
    let response = client.execute(request).await.map_err(|error| broken(Box::new(error)))?;
    let status = response.status();
    let bytes = response.into_body().bytes().await.map_err(|error| broken(Box::new(error)))?;
    let answer: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
    if status.is_success() {
        return Ok(answer);
    }
    if status.is_server_error() {
        return Err(broken(format!("it answered {status}").into()));
    }
    // `__type` names the kind of refusal, e.g. `ResourceNotFoundException`.
    let kind = answer.get("__type").and_then(|kind| kind.as_str()).unwrap_or("no reason given");
    let kind = kind.rsplit('#').next().unwrap_or(kind);
    Err(Error::Credentials { problem: format!("Secrets Manager refused ({status}, {kind})"), source: None })
}

#[cfg(test)]
mod tests;
