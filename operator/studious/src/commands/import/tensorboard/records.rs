//! TFRecord files: lengths, data and their masked CRC-32C.

use std::io::{self, Read};

/// Longest record that is looked at. Longer ones, graphs of models, are passed over.
const MOST_BYTES: u64 = 16 << 20;

/// Reads records one after the other.
pub(super) struct Records<R> {
    input: R,
    offset: u64,
}

/// What is next.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum NextRecord {
    /// A record.
    Record(Vec<u8>),
    /// One that is too long to be a scalar.
    Passed,
    /// The end of the file.
    End,
    /// Half a record at the end of the file: its writer was stopped, or still writes.
    Half,
}

/// Why there is no next record.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecordError {
    /// What is there differs from what was written.
    #[error(
        "the record at byte {offset} is damaged (its {what} has another checksum). Copy the file again, or leave it out"
    )]
    Checksum {
        /// Where the record begins.
        offset: u64,
        /// The length or the data.
        what: &'static str,
    },
    /// The file can't be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl<R: Read> Records<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, offset: 0 }
    }

    /// The next record. After an error or the end there is none.
    pub(super) fn next(&mut self) -> Result<NextRecord, RecordError> {
        let begun = self.offset;
        let mut head = [0; 12];
        match self.fill(&mut head)? {
            0 => return Ok(NextRecord::End),
            12 => {}
            _ => return Ok(NextRecord::Half),
        }
        let [length, crc] = [&head[..8], &head[8..]];
        let length_crc = u32::from_le_bytes(crc.try_into().unwrap_or_default());
        if masked_crc(length) != length_crc {
            return Err(RecordError::Checksum { offset: begun, what: "length" });
        }
        let length = u64::from_le_bytes(length.try_into().unwrap_or_default());
        if length > MOST_BYTES {
            let whole = length.saturating_add(4);
            let passed = io::copy(&mut (&mut self.input).take(whole), &mut io::sink())?;
            self.offset += passed;
            return Ok(if passed == whole { NextRecord::Passed } else { NextRecord::Half });
        }
        // At most MOST_BYTES.
        let mut data = vec![0; usize::try_from(length).unwrap_or_default()];
        let mut crc = [0; 4];
        if self.fill(&mut data)? < data.len() || self.fill(&mut crc)? < crc.len() {
            return Ok(NextRecord::Half);
        }
        if masked_crc(&data) != u32::from_le_bytes(crc) {
            return Err(RecordError::Checksum { offset: begun, what: "data" });
        }
        Ok(NextRecord::Record(data))
    }

    /// Fills what it can; how much that was.
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.input.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.offset += filled as u64;
        Ok(filled)
    }
}

/// The checksum of TFRecord: rotated and moved, so that data that holds checksums has another.
fn masked_crc(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A record as TensorBoard writes it.
    pub(crate) fn record(data: &[u8]) -> Vec<u8> {
        let length = (data.len() as u64).to_le_bytes();
        let mut bytes = length.to_vec();
        bytes.extend(masked_crc(&length).to_le_bytes());
        bytes.extend(data);
        bytes.extend(masked_crc(data).to_le_bytes());
        bytes
    }

    #[test]
    fn records_read_back() {
        let file = [record(b"one"), record(b"")].concat();
        let mut records = Records::new(file.as_slice());
        assert_eq!(records.next().unwrap(), NextRecord::Record(b"one".to_vec()));
        assert_eq!(records.next().unwrap(), NextRecord::Record(Vec::new()));
        assert_eq!(records.next().unwrap(), NextRecord::End);
    }

    #[test]
    fn half_a_record_is_told_from_a_damaged_one() {
        let whole = record(b"some data");
        for cut in 1..whole.len() {
            assert_eq!(Records::new(&whole[..cut]).next().unwrap(), NextRecord::Half, "{cut}");
        }
        for byte in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[byte] ^= 1;
            let error = Records::new(damaged.as_slice()).next().unwrap_err();
            assert!(error.to_string().contains("byte 0"), "{error}");
        }
    }
}
