//! A certificate authority for one run, and the server's certificate by it, as the PEM files that every program reads.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use crate::network::NAMES;

/// The files.
pub(crate) struct Identity {
    /// What clients trust.
    pub(crate) ca: PathBuf,
    /// What the server shows.
    pub(crate) chain: PathBuf,
    pub(crate) key: PathBuf,
}

impl Identity {
    /// Makes it in `folder`.
    pub(crate) fn make(folder: &Path) -> Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
            .distinguished_name
            .push(DnType::CommonName, "bench CA");
        let key = KeyPair::generate()?;
        let ca = params.self_signed(&key)?.pem();
        let issuer = Issuer::new(params, key);

        let names = NAMES
            .iter()
            .chain(&["localhost", "127.0.0.1"])
            .map(ToString::to_string);
        let mut params = CertificateParams::new(names.collect::<Vec<_>>())?;
        params
            .distinguished_name
            .push(DnType::CommonName, "localhost");
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let chain = params.signed_by(&key, &issuer)?.pem();

        let identity = Self {
            ca: folder.join("ca.pem"),
            chain: folder.join("server.pem"),
            key: folder.join("server.key"),
        };
        fs::write(&identity.ca, ca)?;
        fs::write(&identity.chain, chain)?;
        fs::write(&identity.key, key.serialize_pem())?;
        Ok(identity)
    }
}
