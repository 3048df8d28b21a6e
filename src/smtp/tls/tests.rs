//! Handshakes in memory: what is believed, what is refused and in which words.

use std::sync::atomic::{AtomicUsize, Ordering};

use ml_kem::{Encapsulate as _, EncapsulationKey, MlKem768};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::crypto::ring::default_provider;
use rustls::crypto::ring::kx_group::X25519;
use rustls::crypto::{ActiveKeyExchange, CompletedKeyExchange, SupportedKxGroup};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{NamedGroup, RootCertStore, ServerConfig, ServerConnection};

use super::*;
use crate::certificate::Pin;
use crate::secret::Secret;

/// An authority and a server's certificate of it, for mail.test and long expired where asked for.
struct Party {
    authority: CertificateDer<'static>,
    own: CertificateDer<'static>,
    own_pem: String,
    key: KeyPair,
}

impl Party {
    fn new(names: &[&str], until: i32) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Authorities of one name would be taken for one another, up to the signature.
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        params
            .distinguished_name
            .push(DnType::CommonName, format!("authority {number}"));
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let own = params.signed_by(&key, &authority).unwrap();
        Self {
            authority: authority.der().clone(),
            own: own.der().clone(),
            own_pem: own.pem(),
            key,
        }
    }

    fn good() -> Self {
        Self::new(&["mail.test", "192.0.2.1"], 2999)
    }

    fn trusted(&self) -> Trust {
        Trust {
            authorities: vec![self.authority.clone()],
            ..Trust::default()
        }
    }

    fn pinned(&self) -> Trust {
        Trust {
            pins: vec![Pin::of_certificate(&self.own)],
            ..Trust::default()
        }
    }

    fn identity(&self) -> Result<Identity> {
        let key = Secret::new(self.key.serialize_pem().into_bytes());
        Identity::from_pem(self.own_pem.as_bytes(), &key)
    }

    /// What a server with this certificate does.
    fn server(&self, version: &'static SupportedProtocolVersion, client: Option<&Self>) -> Server {
        self.server_with(default_provider(), version, client)
    }

    fn server_with(
        &self,
        provider: CryptoProvider,
        version: &'static SupportedProtocolVersion,
        client: Option<&Self>,
    ) -> Server {
        let provider = Arc::new(provider);
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[version])
            .unwrap();
        let builder = match client {
            None => builder.with_no_client_auth(),
            Some(client) => {
                let mut roots = RootCertStore::empty();
                roots.add(client.authority.clone()).unwrap();
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let chain = vec![self.own.clone(), self.authority.clone()];
        Server(Arc::new(builder.with_single_cert(chain, key).unwrap()))
    }
}

struct Server(Arc<ServerConfig>);

impl Server {
    /// Shakes hands with a client that means `host`.
    fn meet(&self, trust: &Trust, terms: &TlsTerms, host: &str) -> Result<TlsInfo> {
        let handshake = Tls::new(trust, terms)?.handshake(&host.parse().unwrap())?;
        let mut client =
            ClientConnection::new(Arc::clone(&handshake.config), handshake.server_name.clone())
                .unwrap();
        let mut server = ServerConnection::new(Arc::clone(&self.0)).unwrap();
        while client.is_handshaking() || server.is_handshaking() {
            let mut octets = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut octets).unwrap();
            }
            server.read_tls(&mut &octets[..]).unwrap();
            // Its alert is what the client hears.
            let _ = server.process_new_packets();
            let mut octets = Vec::new();
            while server.wants_write() {
                server.write_tls(&mut octets).unwrap();
            }
            client.read_tls(&mut &octets[..]).unwrap();
            client
                .process_new_packets()
                .map_err(|error| handshake.explain(&error))?;
        }
        Ok(TlsInfo::of(&client))
    }
}

fn refusal(result: Result<TlsInfo>) -> Failure {
    let failure = result.unwrap_err();
    assert_eq!(failure.kind, Kind::Tls, "{failure}");
    assert!(failure.hint.is_some(), "{failure}");
    failure
}

const BOTH: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

#[test]
fn a_good_certificate_is_believed_and_its_facts_are_told() {
    let party = Party::good();
    for version in BOTH {
        let server = party.server(version, None);
        let agreed = server.meet(&party.trusted(), &TlsTerms::default(), "mail.test");
        let agreed = agreed.unwrap();
        assert_eq!(agreed.group, "x25519");
        let facts = agreed.certificate().unwrap();
        assert_eq!(facts.names, ["mail.test", "192.0.2.1"]);
        assert_eq!(facts.chain_length, 2);
        assert_eq!(facts.pin, Pin::of_certificate(&party.own));
        assert!(facts.days_left(std::time::SystemTime::now()) > 365);
    }
}

#[test]
fn a_pin_alone_is_enough_whatever_the_certificate_says() {
    let party = Party::new(&["other.test"], 2020);
    let public_key = Trust {
        pins: vec![Pin::of_public_key(&party.own).unwrap()],
        ..Trust::default()
    };
    for version in BOTH {
        let server = party.server(version, None);
        for trust in [&party.pinned(), &public_key] {
            server
                .meet(trust, &TlsTerms::default(), "mail.test")
                .unwrap();
        }
    }
}

#[test]
fn a_certificate_that_is_not_pinned_is_refused_with_the_pin_it_has() {
    let (party, other) = (Party::good(), Party::good());
    for version in BOTH {
        let server = other.server(version, None);
        let failure = refusal(server.meet(&party.pinned(), &TlsTerms::default(), "mail.test"));
        let seen = Pin::of_certificate(&other.own);
        assert!(failure.message.contains(&seen.to_string()), "{failure}");
        assert!(
            failure.message.contains("not the one that is pinned"),
            "{failure}"
        );
    }
}

#[test]
fn with_authorities_and_a_pin_both_must_hold() {
    let (party, other) = (Party::good(), Party::good());
    let server = party.server(&TLS13, None);
    let meet = |trust: &Trust| server.meet(trust, &TlsTerms::default(), "mail.test");
    let both = |authority: &Party, pin: &Party| Trust {
        pins: pin.pinned().pins,
        ..authority.trusted()
    };
    meet(&both(&party, &party)).unwrap();
    assert!(
        refusal(meet(&both(&party, &other)))
            .message
            .contains("pinned")
    );
    assert!(
        refusal(meet(&both(&other, &party)))
            .message
            .contains("which is not trusted")
    );
    let expired = Party::new(&["mail.test"], 2020);
    let server = expired.server(&TLS13, None);
    let failure =
        refusal(server.meet(&both(&expired, &expired), &TlsTerms::default(), "mail.test"));
    assert!(failure.message.contains("expired on"), "{failure}");
}

#[test]
fn a_pinned_certificate_without_its_key_is_refused() {
    let (party, thief) = (Party::good(), Party::good());
    let stolen = Party {
        key: thief.key,
        ..Party::good()
    };
    let stolen = Party {
        own: party.own.clone(),
        ..stolen
    };
    for version in BOTH {
        let provider = default_provider();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(stolen.key.serialize_der()));
        let key = provider.key_provider.load_private_key(key).unwrap();
        let pair = rustls::sign::CertifiedKey::new(vec![party.own.clone()], key);
        let config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(pair)));
        let server = Server(Arc::new(config));
        let met = server.meet(&party.pinned(), &TlsTerms::default(), "mail.test");
        assert_eq!(met.unwrap_err().kind, Kind::Tls);
    }
}

#[test]
fn nobody_named_is_nobody_trusted() {
    let party = Party::good();
    let failure =
        party
            .server(&TLS13, None)
            .meet(&Trust::default(), &TlsTerms::default(), "mail.test");
    assert_eq!(failure.unwrap_err().kind, Kind::Config);
}

#[test]
fn another_name_than_the_hosts_can_be_verified() {
    let party = Party::good();
    let named = |name: &str| TlsTerms {
        name: Some(name.parse().unwrap()),
        ..TlsTerms::default()
    };
    let server = party.server(&TLS13, None);
    let meet = |name: &str, host: &str| server.meet(&party.trusted(), &named(name), host);
    meet("mail.test", "10.0.0.1").unwrap();
    meet("192.0.2.1", "localhost").unwrap();
    let failure = refusal(meet("other.test", "mail.test"));
    assert!(
        failure
            .message
            .contains("is for mail.test, 192.0.2.1, not for other.test"),
        "{failure}"
    );
}

#[test]
fn a_refused_handshake_may_be_for_want_of_a_certificate() {
    let alert = rustls::Error::AlertReceived(rustls::AlertDescription::HandshakeFailure);
    let words = |terms: &TlsTerms| {
        let tls = Tls::new(&Party::good().trusted(), terms).unwrap();
        let handshake = tls.handshake(&"mail.test".parse().unwrap()).unwrap();
        handshake.explain(&alert).hint
    };
    let hint = words(&TlsTerms::default()).unwrap();
    assert!(hint.starts_with("it may want a certificate of the client"));
    let shown = TlsTerms {
        identity: Some(Party::good().identity().unwrap()),
        ..TlsTerms::default()
    };
    assert_eq!(words(&shown), None);
}

#[test]
fn a_server_older_than_the_least_version_is_refused() {
    let party = Party::good();
    let terms = TlsTerms {
        minimum: "1.3".parse().unwrap(),
        ..TlsTerms::default()
    };
    let meet = |version| {
        party
            .server(version, None)
            .meet(&party.trusted(), &terms, "mail.test")
    };
    assert_eq!(meet(&TLS13).unwrap().version, "TLSv1.3");
    let failure = refusal(meet(&TLS12));
    assert!(failure.hint.unwrap().contains("--tls-min 1.3"));
    for text in ["", "1.1", "1.0", "TLSv1.2", "1.20"] {
        assert!(text.parse::<TlsVersion>().is_err(), "{text}");
    }
}

#[test]
fn a_server_that_asks_is_shown_the_clients_certificate() {
    let (party, client) = (Party::good(), Party::good());
    let terms = TlsTerms {
        identity: Some(client.identity().unwrap()),
        ..TlsTerms::default()
    };
    for version in BOTH {
        let server = party.server(version, Some(&client));
        server.meet(&party.trusted(), &terms, "mail.test").unwrap();
    }
}

#[test]
fn a_server_that_wants_another_certificate_of_the_client_is_understood() {
    let (party, client) = (Party::good(), Party::good());
    let terms = TlsTerms {
        identity: Some(party.identity().unwrap()),
        ..TlsTerms::default()
    };
    for version in BOTH {
        let server = party.server(version, Some(&client));
        let failure = refusal(server.meet(&party.trusted(), &terms, "mail.test"));
        assert!(
            failure
                .message
                .contains("does not accept the client's certificate"),
            "{failure}"
        );
    }
    let server = party.server(&TLS13, Some(&client));
    let failure = refusal(server.meet(&party.trusted(), &TlsTerms::default(), "mail.test"));
    assert!(
        failure.message.contains("demands a certificate"),
        "{failure}"
    );
    assert!(failure.hint.unwrap().contains("--client-cert"));
}

#[test]
fn a_key_that_is_not_the_certificates_is_found_before_anything_is_connected() {
    let (party, other) = (Party::good(), Party::good());
    let mixed = Party {
        key: other.key,
        ..party
    };
    let failure = mixed.identity().unwrap_err();
    assert_eq!(failure.kind, Kind::Config);
    assert!(
        failure.message.contains("not that of the certificate"),
        "{failure}"
    );
}

#[test]
fn files_that_hold_no_identity_are_refused_without_being_quoted() {
    let party = Party::good();
    let key = party.key.serialize_pem();
    let pkcs8 = key.replace("PRIVATE", "ENCRYPTED PRIVATE");
    let older = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    let cut = &key[..key.len() / 2];
    let rubbish = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    for (certificate, key, words) in [
        (party.own_pem.as_str(), pkcs8.as_str(), "is encrypted"),
        (&party.own_pem, older, "is encrypted"),
        (&party.own_pem, cut, "no private key in it"),
        (&party.own_pem, "", "no private key in it"),
        (&party.own_pem, rubbish, "of a kind that is not supported"),
        ("", &key, "no certificate in it"),
        (&party.own_pem[..100], &key, "not a PEM file"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            &key,
            "cannot be used",
        ),
    ] {
        let secret = Secret::new(key.as_bytes().to_vec());
        let failure = Identity::from_pem(certificate.as_bytes(), &secret).unwrap_err();
        assert_eq!(failure.kind, Kind::Config);
        assert!(failure.message.contains(words), "{words}: {failure}");
        assert!(!format!("{failure:?}").contains("AAAA"), "{failure:?}");
    }
    // One file may hold both.
    let both = format!("{}{key}", party.own_pem);
    let identity = Identity::from_pem(both.as_bytes(), &Secret::new(both.clone().into_bytes()));
    assert_eq!(
        format!("{:?}", identity.unwrap()),
        "Identity(1 certificates, key ***)"
    );
}

#[test]
fn days_that_are_left_can_be_negative() {
    let party = Party::new(&["mail.test"], 2020);
    let facts = CertificateFacts::of(&[party.own]).unwrap();
    assert_eq!(facts.days_left(facts.not_after), 0);
    let hour = std::time::Duration::from_secs(3600);
    assert_eq!(facts.days_left(facts.not_after + hour), -1);
    assert_eq!(facts.days_left(facts.not_after - 25 * hour), 1);
    assert!(CertificateFacts::of(&[]).is_none());
    assert!(CertificateFacts::of(&[CertificateDer::from(vec![0x30, 0])]).is_none());
}

/// The server's side of the exchange, by the letter of the draft.
#[derive(Debug)]
struct ServersHybrid;

impl SupportedKxGroup for ServersHybrid {
    fn start(&self) -> std::result::Result<Box<dyn ActiveKeyExchange>, Error> {
        Err(Error::General("a server does not start".to_owned()))
    }

    fn start_and_complete(&self, share: &[u8]) -> std::result::Result<CompletedKeyExchange, Error> {
        assert_eq!(share.len(), 1184 + 32);
        let (key, classical) = share.split_at(1184);
        let key = EncapsulationKey::<MlKem768>::new(key.try_into().unwrap()).unwrap();
        let (ciphertext, secret) = key.encapsulate();
        let classical = X25519.start_and_complete(classical)?;
        Ok(CompletedKeyExchange {
            group: self.name(),
            pub_key: [&ciphertext[..], &classical.pub_key].concat(),
            secret: [&secret[..], classical.secret.secret_bytes()]
                .concat()
                .into(),
        })
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519MLKEM768
    }
}

#[test]
fn keys_are_exchanged_by_both_algorithms_where_the_server_knows_them() {
    let party = Party::good();
    let mut provider = default_provider();
    provider.kx_groups = vec![&ServersHybrid];
    let server = party.server_with(provider, &TLS13, None);
    let agreed = server.meet(&party.trusted(), &TlsTerms::default(), "mail.test");
    assert_eq!(agreed.unwrap().group, "X25519MLKEM768");
}

#[test]
fn a_share_of_another_length_is_refused() {
    let ours = || hybrid::X25519MlKem768.start().unwrap();
    let servers = ServersHybrid.start_and_complete(ours().pub_key()).unwrap();
    assert!(ours().complete(&servers.pub_key).is_ok());
    for length in [0, 32, 1087, 1088, 1119, 1121] {
        let mut share = servers.pub_key.clone();
        share.resize(length, 0);
        assert!(ours().complete(&share).is_err(), "{length}");
    }
}
