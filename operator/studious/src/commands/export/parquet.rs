//! Tables as Parquet: columns with their types, read by pandas, Polars, DuckDB and Spark.

use std::{
    borrow::Borrow,
    io::{self, Write},
    sync::Arc,
};

use ::parquet::{
    basic::{Compression, LogicalType, Repetition, Type as Physical},
    column::writer::ColumnWriter,
    data_type::ByteArray,
    errors::ParquetError,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::types::{Type, TypePtr},
};

use super::table::{Cells, TrialTable};

/// Writes tables of the same columns, of which there is at least one: each becomes a row group. Every cell may be empty.
pub(super) fn write<'a, T: Borrow<TrialTable<'a>>>(
    name: &str,
    tables: impl IntoIterator<Item = T>,
    out: impl Write + Send,
) -> io::Result<()> {
    let mut tables = tables.into_iter().peekable();
    let Some(first) = tables.peek() else { return Ok(()) };
    let schema = schema(name, first.borrow()).map_err(as_io)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(concat!("studious version ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    let mut writer = SerializedFileWriter::new(out, schema, Arc::new(properties)).map_err(as_io)?;
    for table in tables {
        group(&mut writer, table.borrow()).map_err(as_io)?;
    }
    writer.close().map_err(as_io)?;
    Ok(())
}

fn as_io(error: ParquetError) -> io::Error {
    match error {
        // So that a pipe that was closed can be told from a disk that is full.
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}

fn schema(name: &str, table: &TrialTable<'_>) -> Result<TypePtr, ParquetError> {
    let fields = table.columns.iter().map(|(name, cells)| {
        let (physical, logical) = match cells {
            Cells::Text(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Cells::Number(_) => (Physical::DOUBLE, None),
            Cells::Integer(_) => (Physical::INT64, None),
            Cells::Bool(_) => (Physical::BOOLEAN, None),
        };
        let field = Type::primitive_type_builder(name, physical).with_repetition(Repetition::OPTIONAL);
        Ok(Arc::new(field.with_logical_type(logical).build()?))
    });
    let fields = fields.collect::<Result<Vec<_>, ParquetError>>()?;
    Ok(Arc::new(Type::group_type_builder(name).with_fields(fields).build()?))
}

fn group<W: Write + Send>(writer: &mut SerializedFileWriter<W>, table: &TrialTable<'_>) -> Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    for (_, cells) in &table.columns {
        let Some(mut column) = group.next_column()? else { break };
        match (column.untyped(), cells) {
            (ColumnWriter::ByteArrayColumnWriter(writer), Cells::Text(cells)) => {
                let (values, there) = split(cells, |text| ByteArray::from(text.as_bytes().to_vec()));
                writer.write_batch(&values, Some(&there), None)?;
            }
            (ColumnWriter::DoubleColumnWriter(writer), Cells::Number(cells)) => {
                let (values, there) = split(cells, |x| *x);
                writer.write_batch(&values, Some(&there), None)?;
            }
            (ColumnWriter::Int64ColumnWriter(writer), Cells::Integer(cells)) => {
                let (values, there) = split(cells, |i| *i);
                writer.write_batch(&values, Some(&there), None)?;
            }
            (ColumnWriter::BoolColumnWriter(writer), Cells::Bool(cells)) => {
                let (values, there) = split(cells, |b| *b);
                writer.write_batch(&values, Some(&there), None)?;
            }
            _ => return Err(ParquetError::General("a table's columns differ from the first table's".to_owned())),
        }
        column.close()?;
    }
    group.close()?;
    Ok(())
}

/// The values that there are, and where there are some: Parquet's definition levels.
fn split<T, V>(cells: &[Option<T>], value: impl Fn(&T) -> V) -> (Vec<V>, Vec<i16>) {
    let values = cells.iter().flatten().map(value).collect();
    (values, cells.iter().map(|cell| i16::from(cell.is_some())).collect())
}

#[cfg(test)]
mod tests {
    use ::parquet::{
        file::{reader::FileReader as _, serialized_reader::SerializedFileReader},
        record::RowAccessor as _,
    };

    use super::super::{examples, table};

    fn read(bytes: Vec<u8>) -> SerializedFileReader<bytes::Bytes> {
        SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap()
    }

    #[test]
    fn tables_read_back_with_their_types() {
        let (plan, records) = examples();
        let mut out = Vec::new();
        super::write("trials", &[table::trials(&plan, &records)], &mut out).unwrap();
        let file = read(out);
        let rows: Vec<_> = file.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[0].get_string(6).unwrap(), "sgd, plain");
        assert!((rows[0].get_double(7).unwrap() - 1e-5).abs() < 1e-18 && rows[0].get_long(8).unwrap() == 3);
        assert!(rows[1].get_double(4).is_err(), "what has no objective has none");
    }

    #[test]
    fn no_measurements_are_a_file_too() {
        let mut out = Vec::new();
        super::write("measurements", table::measurement_tables(&[]), &mut out).unwrap();
        assert_eq!(read(out).metadata().file_metadata().num_rows(), 0);
    }
}
