//! The operator's certificate and its authority are renewed while trainers run.

use std::{fs, time::Duration};

use axum_server::tls_rustls::RustlsConfig;
use studious_api_server_model::Certificates;

use crate::{Pod, eventually, operator::Operator};

/// F-050.
#[tokio::test]
async fn a_renewed_authority_is_trusted_and_the_first_one_stays_so() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let operator = Operator::new().await;
    let (first, second) = (Certificates::generate(), Certificates::generate());
    let config = async |of: &Certificates| {
        RustlsConfig::from_pem(of.certificate.clone().into_bytes(), of.key.clone().into_bytes()).await.unwrap()
    };
    let tls = config(&first).await;
    let address = crate::free_address();
    // Each push has a connection of its own, so that a renewed certificate is met.
    let router =
        operator.router().layer(axum::middleware::map_response(|mut response: axum::response::Response| async {
            response.headers_mut().insert("connection", "close".parse().unwrap());
            response
        }));
    tokio::spawn(axum_server::bind_rustls(address, tls.clone()).serve(router.into_make_service()));

    let mut pod = Pod::new(&format!("https://{address}"));
    pod.options.ca_pem = Some(first.authority.clone());
    let file = pod.folder.path().join("ca.crt");
    pod.options.ca_file = Some(file.clone());
    pod.start();
    pod.write_lines(0..5);
    eventually("lines before the file is there", || async { operator.next_line().await == 5 }).await;

    tls.reload_from_config(config(&second).await.get_inner());
    pod.write_lines(5..10);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(operator.next_line().await, 5, "the new certificate was trusted without its authority");
    fs::write(&file, "nonsense").unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    fs::write(&file, &second.authority).unwrap();
    eventually("lines after the authority was renewed", || async { operator.next_line().await == 10 }).await;

    // The file may come before the certificate.
    tls.reload_from_config(config(&first).await.get_inner());
    pod.write_lines(10..12);
    eventually("lines under the first authority", || async { operator.next_line().await == 12 }).await;
    pod.end().await.unwrap();
    assert_eq!(operator.steps(), (0..12).collect::<Vec<_>>());
}
