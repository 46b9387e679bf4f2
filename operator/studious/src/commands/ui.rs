//! `studious ui`: the dashboard of local runs.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use anyhow::Context as _;
use clap::Args;
use studious_dashboard::ThisMachine;

use crate::{
    exit,
    output::{errln, outln},
    source::RunFolders,
};

const AFTER: &str = "\
It shows what `studious run` keeps, while it runs and afterwards, and changes nothing. Only this machine reaches it.
From another machine: ssh -L 8642:127.0.0.1:8642 THIS_MACHINE, then open http://127.0.0.1:8642 there.

Examples:
  studious ui
  studious ui --dir studious-runs/digits --port 8000";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct Ui {
    /// The folder with the runs, or the folder of one run
    #[arg(long, value_name = "FOLDER", default_value = "studious-runs")]
    dir: PathBuf,
    /// Listen here; 0 takes any that is free
    #[arg(long, value_name = "PORT", default_value_t = 8642)]
    port: u16,
}

impl Ui {
    pub(crate) async fn run(self) -> anyhow::Result<u8> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let listener = tokio::net::TcpListener::bind(address)
            .await
            .with_context(|| format!("can't listen at {address}: give another with --port, or --port 0"))?;
        let address = listener.local_addr()?;
        if !self.dir.exists() {
            errln!("{} is not there yet: studies appear once `studious run` has made it", self.dir.display());
        }
        outln!("http://{address}")?;
        let router = studious_dashboard::router(RunFolders::new(self.dir.clone()), ThisMachine)
            .merge(studious_dashboard::records_router(RunFolders::new(self.dir), ThisMachine));
        axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
            .with_graceful_shutdown(stopped())
            .await?;
        Ok(exit::OK)
    }
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
