//! Sends a message with lettre: SECURITY HOST PORT CA USER PASSWORD COUNT SENDER RECIPIENT... < MESSAGE

use std::error::Error;
use std::io::Read as _;

use lettre::address::Envelope;
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{SmtpTransport, Transport as _};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [security, host, port, ca, user, password, count, sender, recipients @ ..] = &arguments[..] else {
        println!("lettre 0.11.23");
        return Ok(());
    };
    let mut message = Vec::new();
    std::io::stdin().read_to_end(&mut message)?;
    let recipients = recipients.iter().map(|recipient| recipient.parse());
    let envelope = Envelope::new(Some(sender.parse()?), recipients.collect::<Result<_, _>>()?)?;

    let mut transport = SmtpTransport::builder_dangerous(host).port(port.parse()?);
    if security != "none" {
        let parameters = TlsParameters::builder(host.to_owned())
            .certificate_store(CertificateStore::None)
            .add_root_certificate(Certificate::from_pem(&std::fs::read(ca)?)?)
            .build_rustls()?;
        let tls = match security.as_str() {
            "implicit" => Tls::Wrapper(parameters),
            _ => Tls::Required(parameters),
        };
        transport = transport
            .tls(tls)
            .credentials(Credentials::new(user.clone(), password.clone()))
            .authentication(vec![Mechanism::Plain]);
    }
    let transport = transport.pool_config(PoolConfig::new().max_size(1)).build();
    for _ in 0..count.parse()? {
        transport.send_raw(&envelope, &message)?;
    }
    Ok(())
}
