//! `studious ui`: the dashboard of local runs.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use anyhow::Context as _;
use clap::Args;
use rand::{Rng as _, distr::Alphanumeric};
use studious_dashboard::ThisMachine;

use crate::{
    exit,
    output::{errln, outln},
    source::RunFolders,
};

/// Names the token; without it each server makes its own.
const TOKEN: &str = "STUDIOUS_UI_TOKEN";
/// 190 bits.
const TOKEN_LETTERS: usize = 32;

const AFTER: &str = "\
It shows what `studious run` keeps, while it runs and afterwards, and changes nothing. Only this machine can reach
it, and only with the link that it prints: the link holds a token, new each time unless $STUDIOUS_UI_TOKEN holds one.
From another machine: ssh -L 8642:127.0.0.1:8642 THIS_MACHINE, then open the link there.

Examples:
  studious ui
  studious ui studious-runs/digits --port 8000";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct Ui {
    /// The folder with the runs, or the folder of one run
    #[arg(value_name = "FOLDER", default_value = "studious-runs")]
    folder: PathBuf,
    /// What FOLDER was before it could be named alone
    #[arg(long, value_name = "FOLDER", hide = true, conflicts_with = "folder")]
    dir: Option<PathBuf>,
    /// Listen here; 0 takes any that is free
    #[arg(long, value_name = "PORT", default_value_t = 8642)]
    port: u16,
}

impl Ui {
    pub(crate) async fn run(self) -> anyhow::Result<u8> {
        let folder = self.dir.unwrap_or(self.folder);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let listener = tokio::net::TcpListener::bind(address)
            .await
            .with_context(|| format!("can't listen at {address}: give another with --port, or --port 0"))?;
        let address = listener.local_addr()?;
        if !folder.exists() {
            errln!("{} is not there yet: studies appear once `studious run` has made it", folder.display());
        }
        let token = token()?;
        outln!("http://{address}/?token={token}")?;
        let gate = ThisMachine::new(token, address.port());
        let router = studious_dashboard::router(RunFolders::new(folder.clone()), gate.clone())
            .merge(studious_dashboard::records_router(RunFolders::new(folder), gate.clone()));
        let router = gate.link(router);
        axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
            .with_graceful_shutdown(stopped())
            .await?;
        Ok(exit::OK)
    }
}

/// What opens this server: given, or made for this run alone.
fn token() -> anyhow::Result<String> {
    let given = std::env::var(TOKEN).unwrap_or_default();
    if given.is_empty() {
        return Ok(rand::rng().sample_iter(Alphanumeric).take(TOKEN_LETTERS).map(char::from).collect());
    }
    let is_plain = given.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    anyhow::ensure!(is_plain && given.len() >= 16, "{TOKEN}: expected at least 16 letters, digits, - and _");
    Ok(given)
}

/// Ctrl-C, or whatever else asks this process to leave.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                terminate.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}
