//! Standard output and standard error. Their reader may leave (`| head`), and the disk behind them may be full: neither is a
//! reason to panic, which is what `println!` and `eprintln!` do.

use std::{
    fmt,
    io::{self, Write as _},
};

/// The reader of standard output has left: it has seen what it wanted. A command ends then, quietly and well.
#[derive(Debug, thiserror::Error)]
#[error("standard output was closed")]
pub(crate) struct Closed;

/// Prints a line on standard output. Returns an `anyhow::Result`: [`Closed`] when nobody reads it.
macro_rules! outln {
    ($($words:tt)*) => {
        $crate::output::write(format_args!("{}\n", format_args!($($words)*)))
    };
}

/// As `outln`, without a line break.
macro_rules! out {
    ($($words:tt)*) => {
        $crate::output::write(format_args!($($words)*))
    };
}

/// Prints a line on standard error, if anyone reads it.
macro_rules! errln {
    ($($words:tt)*) => {
        $crate::output::tell(format_args!($($words)*))
    };
}

pub(crate) use {errln, out, outln};

/// Writes on standard output.
pub(crate) fn write(text: fmt::Arguments<'_>) -> anyhow::Result<()> {
    io::stdout().lock().write_fmt(text).map_err(failed)
}

/// Writes what is still in memory.
pub(crate) fn flush() -> anyhow::Result<()> {
    io::stdout().lock().flush().map_err(failed)
}

/// Writes a line on standard error. What nobody reads is no loss: the exit code says the same.
pub(crate) fn tell(text: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// What a failed write on standard output means.
pub(crate) fn failed(error: io::Error) -> anyhow::Error {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Closed.into();
    }
    anyhow::Error::new(error).context("can't write standard output")
}

/// The outcome of a command whose reader may have left meanwhile.
pub(crate) fn unless_closed(outcome: anyhow::Result<()>) -> anyhow::Result<()> {
    match outcome {
        Err(error) if error.is::<Closed>() => Ok(()),
        other => other,
    }
}
