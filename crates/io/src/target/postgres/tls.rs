//! Encryption and whom to trust, in libpq's words: `sslmode`, `sslrootcert`, `sslcert`, `sslkey`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::problem;
use crate::Error;

/// What an address asks of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mode {
    level: Level,
    roots: Roots,
    /// The client's own certificate and its key.
    own: Option<(PathBuf, PathBuf)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Disable,
    /// Encrypted where the server can; nobody is recognised.
    Prefer,
    Require,
    /// By an authority that we trust.
    VerifyCa,
    /// And it is the server that we asked for.
    VerifyFull,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Roots {
    None,
    File(PathBuf),
    /// The machine's own authorities.
    System,
}

impl Mode {
    pub(super) fn of(given: &BTreeMap<String, String>, home: Option<&Path>) -> Result<Self, Error> {
        let value = |name: &str| given.get(name).map(String::as_str);
        let named = value("sslrootcert");
        let level = match value("sslmode") {
            Some("disable") => Level::Disable,
            None | Some("allow" | "prefer") => Level::Prefer,
            // As libpq: whoever names authorities wants them asked.
            Some("require") if named.is_some() => Level::VerifyCa,
            Some("require") => Level::Require,
            Some("verify-ca") => Level::VerifyCa,
            Some("verify-full") => Level::VerifyFull,
            Some(_) => {
                return Err(problem(
                    "`sslmode` is none of `disable`, `prefer`, `require`, `verify-ca` and `verify-full`",
                ));
            }
        };
        let usual = home.map(|home| home.join(".postgresql/root.crt")).filter(|file| file.exists());
        let roots = match (named, usual) {
            (Some("system"), _) => Roots::System,
            (Some(file), _) => Roots::File(PathBuf::from(file)),
            (None, Some(file)) if level >= Level::VerifyCa => Roots::File(file),
            (None, _) => Roots::None,
        };
        if level >= Level::VerifyCa && roots == Roots::None {
            return Err(problem(
                "`sslmode` asks to verify the server, and nothing says whom to trust: add \
                 `sslrootcert=FILE`, or `sslrootcert=system`",
            ));
        }
        let own = match (value("sslcert"), value("sslkey")) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some((certificate.into(), key.into())),
            _ => return Err(problem("`sslcert` and `sslkey` go together")),
        };
        Ok(Self { level, roots, own })
    }

    /// Whether another server than the one asked for is refused.
    pub(super) fn names_the_server(&self) -> bool {
        self.level == Level::VerifyFull
    }

    /// Sockets of this machine are not encrypted.
    pub(super) fn for_host(&self, host: &str) -> SslMode {
        match self.level {
            _ if host.starts_with('/') => SslMode::Disable,
            Level::Disable => SslMode::Disable,
            Level::Prefer => SslMode::Prefer,
            Level::Require | Level::VerifyCa | Level::VerifyFull => SslMode::Require,
        }
    }
}

/// What is needed to encrypt, read once.
#[derive(Clone)]
pub(super) struct Security {
    config: Arc<ClientConfig>,
}

impl Security {
    pub(super) fn new(mode: &Mode) -> Result<Self, Error> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|_| problem("this program has no TLS"))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Verifier::new(mode, provider)?));
        let config = match &mode.own {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                builder.with_client_auth_cert(certificates(certificate)?, private_key(key)?).map_err(
                    |_| problem("the key in `sslkey` does not belong to the certificate in `sslcert`"),
                )?
            }
        };
        Ok(Self { config: Arc::new(config) })
    }

    pub(super) fn connector(&self) -> MakeRustlsConnect {
        MakeRustlsConnect::new(ClientConfig::clone(&self.config))
    }
}

/// Verifies as far as the mode asks. That the other side has the key of the certificate it shows is always checked.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    /// None: any certificate will do.
    authorities: Option<Arc<WebPkiServerVerifier>>,
    names_the_server: bool,
}

impl Verifier {
    fn new(mode: &Mode, provider: Arc<CryptoProvider>) -> Result<Self, Error> {
        let authorities = match mode.level >= Level::VerifyCa {
            false => None,
            true => {
                let roots = Arc::new(roots(&mode.roots)?);
                let verifier =
                    WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build();
                Some(verifier.map_err(|_| problem("`sslrootcert` holds no authority"))?)
            }
        };
        Ok(Self { provider, authorities, names_the_server: mode.names_the_server() })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(authorities) = &self.authorities else { return Ok(ServerCertVerified::assertion()) };
        let verified =
            authorities.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            // The name is looked at last: all else was found in order.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.names_the_server => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn roots(roots: &Roots) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    let found = match roots {
        Roots::None => Vec::new(),
        Roots::File(file) => certificates(file)?,
        Roots::System => rustls_native_certs::load_native_certs().certs,
    };
    // A bundle may hold authorities of kinds that nobody here can check; one that can be is enough to begin.
    let (usable, _) = store.add_parsable_certificates(found);
    if usable == 0 {
        return Err(problem("`sslrootcert` holds no certificate that can be used"));
    }
    Ok(store)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let bytes = read(file)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    found.map_err(|_| problem(format!("`{}` is not a PEM file of certificates", file.display())))
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    let bytes = read(file)?;
    PrivateKeyDer::from_pem_slice(&bytes)
        .map_err(|_| problem(format!("`{}` is not a PEM file with an unencrypted key", file.display())))
}

fn read(file: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(file).map_err(|source| Error::File {
        doing: "read the certificate file",
        path: file.to_owned(),
        source,
    })
}

/// Why the other side's certificate was refused, if that is what an error is about.
pub(super) fn distrust(error: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    let inner = |error: &(dyn std::error::Error + 'static)| {
        error.downcast_ref::<std::io::Error>()?.get_ref()?.downcast_ref::<rustls::Error>().cloned()
    };
    let cause = std::iter::successors(Some(error), |error| error.source())
        .find_map(|error| error.downcast_ref::<rustls::Error>().cloned().or_else(|| inner(error)))?;
    Some(match cause {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "no authority that we trust has signed its certificate"
        }
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "its certificate is another server's",
        rustls::Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "its certificate has expired",
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        ) => "its certificate is not valid yet",
        rustls::Error::InvalidCertificate(_) => "its certificate is not valid",
        rustls::Error::AlertReceived(_) => "it did not accept our certificate or our way of encrypting",
        _ => return None,
    })
}
