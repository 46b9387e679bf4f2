//! Parquet tables as CSV text, so that every table is read in one way.

use parquet::{
    errors::ParquetError,
    file::{reader::FileReader as _, serialized_reader::SerializedFileReader},
    record::Field,
};

/// How a file begins.
pub(super) const MAGIC: &[u8] = b"PAR1";

/// The columns with a heading. Real numbers are written with the digits that read back, and nothing as an empty cell.
pub(super) fn read(bytes: Vec<u8>) -> Result<String, ParquetError> {
    let file = SerializedFileReader::new(bytes::Bytes::from(bytes))?;
    let schema = file.metadata().file_metadata().schema();
    let mut out = csv::Writer::from_writer(Vec::new());
    let wrong = |error: csv::Error| ParquetError::General(error.to_string());
    out.write_record(schema.get_fields().iter().map(|field| field.name())).map_err(wrong)?;
    for row in file.get_row_iter(None)? {
        out.write_record(row?.get_column_iter().map(|(_, field)| text(field))).map_err(wrong)?;
    }
    let bytes = out.into_inner().map_err(|error| ParquetError::General(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| ParquetError::General(error.to_string()))
}

fn text(field: &Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        // `Display` of a field rounds.
        Field::Double(x) => x.to_string(),
        Field::Float(x) => x.to_string(),
        other => other.to_string(),
    }
}
