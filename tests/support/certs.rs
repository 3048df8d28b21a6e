//! A test CA and what it signs: one good certificate, one for each way of being bad, and one for a
//! client. Made once per process; nothing secret is kept in the repository.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::NamedTempFile;

/// The certificates a dialogue can name after `TLS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// By the test CA, for localhost, mail.test, 127.0.0.1 and ::1.
    Good,
    /// `expired`: valid in 2020 only.
    Expired,
    /// `notyet`: valid from 2090 on.
    NotYet,
    /// `wrongname`: for other.test.
    WrongName,
    /// `selfsigned`: signed by its own key.
    SelfSigned,
    /// `otherca`: by a CA the client does not know.
    OtherCa,
    /// `clientonly`: its extended key usage is clientAuth.
    ClientOnly,
    /// `cnonly`: the name is in the common name, and there is no subjectAltName.
    CnOnly,
    /// `caleaf`: signed by a good certificate which is not a CA.
    CaLeaf,
}

const NAMED: [(&str, Certificate); 9] = [
    ("good", Certificate::Good),
    ("expired", Certificate::Expired),
    ("notyet", Certificate::NotYet),
    ("wrongname", Certificate::WrongName),
    ("selfsigned", Certificate::SelfSigned),
    ("otherca", Certificate::OtherCa),
    ("clientonly", Certificate::ClientOnly),
    ("cnonly", Certificate::CnOnly),
    ("caleaf", Certificate::CaLeaf),
];

impl Certificate {
    /// All that a client must refuse.
    pub fn bad() -> impl Iterator<Item = (&'static str, Self)> {
        NAMED.into_iter().filter(|(_, c)| *c != Self::Good)
    }

    pub fn named(name: &str) -> Option<Self> {
        let found = NAMED.into_iter().find(|(known, _)| *known == name)?;
        Some(found.1)
    }
}

/// A chain, end entity first, with the key of its first certificate.
pub struct Identity {
    pub chain: Vec<CertificateDer<'static>>,
    key: KeyPair,
}

impl Identity {
    pub fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }

    /// The end entity's certificate, as a pin sees it.
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.chain[0]
    }

    /// Its SubjectPublicKeyInfo in DER, as a pin of the public key sees it.
    pub fn public_key(&self) -> Vec<u8> {
        rcgen::PublicKeyData::subject_public_key_info(&self.key)
    }
}

struct Authority {
    certificate: CertificateDer<'static>,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

fn authority() -> &'static Authority {
    static CA: OnceLock<Authority> = OnceLock::new();
    CA.get_or_init(|| new_authority("test CA"))
}

fn new_authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name = common_name(name);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Authority {
        certificate: certificate.der().clone(),
        pem: certificate.pem(),
        issuer: Issuer::new(params, key),
    }
}

pub fn ca_der() -> &'static CertificateDer<'static> {
    &authority().certificate
}

/// For those who keep the file themselves, and want it gone in the end.
pub fn ca_pem_text() -> &'static str {
    &authority().pem
}

/// The test CA's certificate in a file that lives as long as the process.
pub fn ca_pem() -> &'static Path {
    static FILE: OnceLock<NamedTempFile> = OnceLock::new();
    FILE.get_or_init(|| pem_file(&authority().pem)).path()
}

/// Certificate and key of a client, in files, for a server that says `TLS mutual`.
pub fn client_pem() -> (&'static Path, &'static Path) {
    static FILES: OnceLock<(NamedTempFile, NamedTempFile)> = OnceLock::new();
    let (certificate, key) = FILES.get_or_init(|| {
        let key = KeyPair::generate().unwrap();
        let mut params = for_names(&["client.test"]);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &authority().issuer).unwrap();
        (pem_file(&certificate.pem()), pem_file(&key.serialize_pem()))
    });
    (certificate.path(), key.path())
}

/// Statics are never dropped, so these files stay; cargo's own folder is the place for that.
fn pem_file(pem: &str) -> NamedTempFile {
    let folder = option_env!("CARGO_TARGET_TMPDIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let mut file = tempfile::Builder::new()
        .prefix("smtpsend-test-")
        .suffix(".pem")
        .tempfile_in(folder)
        .unwrap();
    file.write_all(pem.as_bytes()).unwrap();
    file
}

pub fn identity(certificate: Certificate) -> &'static Identity {
    static MADE: [OnceLock<Identity>; NAMED.len()] = [const { OnceLock::new() }; NAMED.len()];
    MADE[certificate as usize].get_or_init(|| make(certificate))
}

fn make(certificate: Certificate) -> Identity {
    let key = KeyPair::generate().unwrap();
    let mut params = good();
    match certificate {
        Certificate::Good => {}
        Certificate::Expired => {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2020, 12, 31);
        }
        Certificate::NotYet => params.not_before = date_time_ymd(2090, 1, 1),
        Certificate::WrongName => {
            params.subject_alt_names = for_names(&["other.test"]).subject_alt_names
        }
        Certificate::ClientOnly => {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        }
        Certificate::CnOnly => {
            params.subject_alt_names.clear();
            params.distinguished_name = common_name("localhost");
        }
        Certificate::SelfSigned => {
            let chain = vec![params.self_signed(&key).unwrap().der().clone()];
            return Identity { chain, key };
        }
        Certificate::OtherCa => {
            return signed_by(&params, key, &new_authority("another CA").issuer, &[]);
        }
        Certificate::CaLeaf => {
            let between = KeyPair::generate().unwrap();
            let certificate = good().signed_by(&between, &authority().issuer).unwrap();
            let issuer = Issuer::new(good(), between);
            return signed_by(&params, key, &issuer, &[certificate.der().clone()]);
        }
    }
    signed_by(&params, key, &authority().issuer, &[])
}

fn signed_by(
    params: &CertificateParams,
    key: KeyPair,
    issuer: &Issuer<'_, KeyPair>,
    above: &[CertificateDer<'static>],
) -> Identity {
    let mut chain = vec![params.signed_by(&key, issuer).unwrap().der().clone()];
    chain.extend_from_slice(above);
    Identity { chain, key }
}

fn good() -> CertificateParams {
    for_names(&["localhost", "mail.test", "127.0.0.1", "::1"])
}

fn for_names(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = common_name("test server");
    params.is_ca = IsCa::ExplicitNoCa;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

fn common_name(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}
