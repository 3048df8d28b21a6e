//! Judges the server's certificate, by authorities and pins, and remembers what it saw where that
//! was not good, so that the error can say what it was.
//!
//! The proof that the server holds the certificate's key (the signature in the handshake) is always
//! verified, also where a pin alone is trusted.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

use super::trust::Trust;
use crate::certificate::Pin;
use crate::failure::{Failure, Kind, Result};

/// What is believed, made ready once for all handshakes.
#[derive(Debug)]
pub(super) struct Judge {
    /// `None` where only pins count.
    authorities: Option<Arc<WebPkiServerVerifier>>,
    pins: Vec<Pin>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Judge {
    /// # Errors
    /// `Config` when there is no authority that can be used.
    pub(super) fn new(trust: &Trust, provider: &Arc<CryptoProvider>) -> Result<Self> {
        let authorities = trust.roots()?.map(|roots| {
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
                .build()
                .map_err(|error| {
                    let words = format!("no usable certificate authority: {error}");
                    Failure::new(Kind::Config, words)
                })
        });
        Ok(Self {
            authorities: authorities.transpose()?,
            pins: trust.pins.clone(),
            algorithms: provider.signature_verification_algorithms,
        })
    }

    /// Whether a certificate is good by its name, and not by a pin alone.
    pub(super) fn goes_by_name(&self) -> bool {
        self.authorities.is_some()
    }
}

/// Judges one handshake.
#[derive(Debug)]
pub(super) struct Verifier {
    judge: Arc<Judge>,
    /// The chain that was not good, the server's own certificate first.
    refused: Mutex<Vec<CertificateDer<'static>>>,
}

impl Verifier {
    pub(super) fn new(judge: Arc<Judge>) -> Self {
        Self {
            judge,
            refused: Mutex::default(),
        }
    }

    /// Whether what is wrong would be nothing if the pin had been asked for alone.
    pub(super) fn took_the_pin(&self, problem: &CertificateError) -> bool {
        // No pin, or not a certificate that goes with the key.
        let counts_alone = !matches!(
            problem,
            CertificateError::ApplicationVerificationFailure | CertificateError::BadSignature
        );
        counts_alone && self.judge.goes_by_name() && !self.judge.pins.is_empty()
    }

    /// The chain that was refused; empty when none was.
    pub(super) fn refused(&self) -> Vec<CertificateDer<'static>> {
        self.refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
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
    ) -> std::result::Result<ServerCertVerified, Error> {
        let pins = &self.judge.pins;
        let verdict = if pins.is_empty() || pins.iter().any(|pin| pin.matches(end_entity)) {
            match &self.judge.authorities {
                Some(authorities) => authorities.verify_server_cert(
                    end_entity,
                    intermediates,
                    server_name,
                    ocsp_response,
                    now,
                ),
                None => Ok(ServerCertVerified::assertion()),
            }
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        };
        verdict.inspect_err(|_| {
            let chain = std::iter::once(end_entity).chain(intermediates);
            *self.refused.lock().unwrap_or_else(PoisonError::into_inner) =
                chain.map(|der| der.clone().into_owned()).collect();
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.judge.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.judge.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judge.algorithms.supported_schemes()
    }
}
