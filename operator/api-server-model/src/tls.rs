//! A certificate authority for a test, and a certificate for the server at 127.0.0.1.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

/// Certificates and their key, as PEM.
#[derive(Debug)]
pub struct Certificates {
    /// The authority that clients trust.
    pub authority: String,
    /// The server's certificate.
    pub certificate: String,
    /// The server's key.
    pub key: String,
}

impl Certificates {
    /// New ones.
    ///
    /// # Panics
    /// When there is no source of random numbers.
    #[must_use]
    pub fn generate() -> Self {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = KeyPair::generate().expect("ring makes keys");
        let authority_certificate = authority.self_signed(&authority_key).expect("an authority signs itself");
        let issuer = Issuer::new(authority, authority_key);
        let key = KeyPair::generate().expect("ring makes keys");
        let server = CertificateParams::new(["127.0.0.1".to_owned(), "localhost".to_owned()]).expect("names are valid");
        let certificate = server.signed_by(&key, &issuer).expect("the authority signs");
        Self { authority: authority_certificate.pem(), certificate: certificate.pem(), key: key.serialize_pem() }
    }
}
