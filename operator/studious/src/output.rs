//! Standard output and standard error. Their reader may leave (`| head`), and the disk behind them may be full: neither is a
//! reason to panic, which is what `println!` and `eprintln!` do.
//!
//! What is printed comes from trainers, from files and from other people's studies: control characters are shown as escapes, so
//! that no text colors, titles or clears a terminal, fills its clipboard or hides a line.

use std::{
    fmt,
    fs::File,
    io::{self, IsTerminal as _, Write},
    os::{fd::AsFd as _, unix::fs::FileTypeExt as _},
    path::Path,
};

/// The reader of standard output has left: it has seen what it wanted. A command ends then, quietly and well.
#[derive(Debug, thiserror::Error)]
#[error("standard output was closed")]
pub(crate) struct Closed;

/// Prints a line on standard output. Returns an `anyhow::Result`: [`Closed`] when the reader is gone.
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
    let mut out = Escaped::new(io::stdout().lock());
    out.write_fmt(text).and_then(|()| out.finish()).map_err(failed)
}

/// Standard output for data. A file or a pipe gets it byte by byte, a terminal with escapes.
pub(crate) fn data() -> Box<dyn Write + Send> {
    let out = io::stdout();
    if out.is_terminal() { Box::new(Escaped::new(out)) } else { Box::new(out) }
}

/// Writes what is still in memory.
pub(crate) fn flush() -> anyhow::Result<()> {
    io::stdout().lock().flush().map_err(failed)
}

/// Writes a line on standard error. Without a reader nothing is lost: the exit code says the same.
pub(crate) fn tell(text: fmt::Arguments<'_>) {
    let mut err = Escaped::new(io::stderr().lock());
    let _ = writeln!(err, "{text}").and_then(|()| err.finish());
}

/// A text for a terminal from another source.
pub(crate) fn escaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if is_shown(c) {
            plain.push(c);
        } else {
            // As in JSON, where such an escape means the same.
            let _ = fmt::Write::write_fmt(&mut plain, format_args!("\\u{:04x}", u32::from(c)));
        }
    }
    plain
}

/// Whether a character is printed as it is: not if it controls a terminal or the direction of writing.
fn is_shown(c: char) -> bool {
    matches!(c, '\n' | '\t')
        || !(c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}'))
}

/// Writes text with its control characters escaped.
struct Escaped<W: Write> {
    to: W,
    /// The beginning of a character whose end has not come.
    partial: Vec<u8>,
}

impl<W: Write> Escaped<W> {
    fn new(to: W) -> Self {
        Self { to, partial: Vec::new() }
    }

    /// Writes what is left of a text that ends within a character.
    fn finish(&mut self) -> io::Result<()> {
        let rest = std::mem::take(&mut self.partial);
        self.to.write_all(String::from_utf8_lossy(&rest).as_bytes())
    }
}

impl<W: Write> Write for Escaped<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.partial.extend_from_slice(bytes);
        let known = match std::str::from_utf8(&self.partial) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.partial.len(),
        };
        let text: Vec<u8> = self.partial.drain(..known).collect();
        self.to.write_all(escaped(&String::from_utf8_lossy(&text)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// What a failed write on standard output means.
pub(crate) fn failed(error: io::Error) -> anyhow::Error {
    if error.kind() == io::ErrorKind::BrokenPipe || is_lost_terminal(&error) {
        return Closed.into();
    }
    anyhow::Error::new(error).context("can't write standard output")
}

/// Whether standard output was a terminal that is gone: the window was closed, or the connection broke.
fn is_lost_terminal(error: &io::Error) -> bool {
    /// `EIO`, which a disk reports, too.
    const EIO: i32 = 5;
    error.raw_os_error() == Some(EIO)
        && io::stdout()
            .as_fd()
            .try_clone_to_owned()
            .and_then(|out| File::from(out).metadata())
            .is_ok_and(|out| out.file_type().is_char_device())
}

/// The outcome of a command whose reader may have left meanwhile.
pub(crate) fn unless_closed(outcome: anyhow::Result<()>) -> anyhow::Result<()> {
    match outcome {
        Err(error) if error.is::<Closed>() => Ok(()),
        other => other,
    }
}

/// Refuses to write a file over one that is read.
///
/// # Errors
/// When it is one of them, by whatever path.
pub(crate) fn refuse_overwriting<'a>(out: &Path, inputs: impl IntoIterator<Item = &'a Path>) -> anyhow::Result<()> {
    // A file that does not exist yet can't be read.
    let Ok(whole) = out.canonicalize() else { return Ok(()) };
    for input in inputs {
        if input.canonicalize().is_ok_and(|input| input == whole) {
            anyhow::bail!("--out {}: this file is also read. Give another one", out.display());
        }
    }
    Ok(())
}

/// An error with its causes, each once: many say their cause themselves.
pub(crate) fn in_words(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_an_error_says_itself_is_not_repeated() {
        let of = |text: &'static str| anyhow::anyhow!("no such file").context(text).context("can't run");
        assert_eq!(in_words(&of("can't read a: no such file")), "can't run: can't read a: no such file");
        assert_eq!(in_words(&of("can't read a")), "can't run: can't read a: no such file");
    }

    #[test]
    fn nothing_that_is_printed_controls_a_terminal() {
        let text = "a\u{1b}[35mb\u{1b}]0;title\u{7}\r\u{8}\u{9b}2J\u{7f}\u{202e}\n\tĀ—日本";
        let plain = "a\\u001b[35mb\\u001b]0;title\\u0007\\u000d\\u0008\\u009b2J\\u007f\\u202e\n\tĀ—日本";
        assert_eq!(escaped(text), plain);
        // However it is cut into pieces.
        for size in 1..5 {
            let mut out = Escaped::new(Vec::new());
            text.as_bytes().chunks(size).for_each(|piece| out.write_all(piece).unwrap());
            out.finish().unwrap();
            assert_eq!(String::from_utf8(out.to).unwrap(), plain, "{size}");
        }
        // In JSON it is the same value.
        let json = serde_json::to_string("\u{9b}\u{7f}x").unwrap();
        assert_eq!(serde_json::from_str::<String>(&escaped(&json)).unwrap(), "\u{9b}\u{7f}x");
    }
}
