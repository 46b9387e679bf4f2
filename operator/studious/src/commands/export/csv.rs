//! Tables as text.

use std::{
    borrow::Borrow,
    io::{self, Write},
};

use studious_api::HyperparameterValue;

use super::table::{Cells, TrialTable};

/// Writes tables of the same columns below each other.
pub(super) fn write<'a, T: Borrow<TrialTable<'a>>>(
    tables: impl IntoIterator<Item = T>,
    out: impl Write,
) -> io::Result<()> {
    let mut out = ::csv::Writer::from_writer(out);
    for (i, table) in tables.into_iter().enumerate() {
        let table: &TrialTable<'a> = table.borrow();
        if i == 0 {
            out.write_record(table.columns.iter().map(|(name, _)| name.as_str())).map_err(of_the_file)?;
        }
        for row in 0..table.rows() {
            for (_, cells) in &table.columns {
                out.write_field(shown(cells, row)).map_err(of_the_file)?;
            }
            out.write_record(None::<&[u8]>).map_err(of_the_file)?;
        }
    }
    out.flush()
}

/// The error of the file itself, so that a pipe that was closed can be told from a disk that is full.
fn of_the_file(error: ::csv::Error) -> io::Error {
    if !error.is_io_error() {
        return io::Error::other(error);
    }
    match error.into_kind() {
        ::csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

fn shown(cells: &Cells<'_>, row: usize) -> String {
    let text = match cells {
        Cells::Text(cells) => cells[row].as_deref().map(str::to_owned),
        // As short as it can be read back.
        Cells::Number(cells) => cells[row].map(|x| HyperparameterValue::Number(x).to_string()),
        Cells::Integer(cells) => cells[row].map(|i| i.to_string()),
        Cells::Bool(cells) => cells[row].map(|b| b.to_string()),
    };
    text.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::{examples, table};

    #[test]
    fn a_closed_pipe_is_told_as_one() {
        let error = ::csv::Error::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
        assert_eq!(super::of_the_file(error).kind(), std::io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn a_table_has_a_column_for_each_hyperparameter_and_none_invented() {
        let (plan, records) = examples();
        let mut out = Vec::new();
        super::write(&[table::trials(&plan, &records)], &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "name,round,outcome,reason,objective,step,opt,lr,hyperparameters.step,metrics.latency_ms\n\
             a,r,succeeded,,0.5,10,\"sgd, plain\",1e-5,3,12.5\n\
             b,r,infeasible,Diverged,,,adam,1,4,\n\
             c,r,pending,,,,adam,,,\n"
        );
    }

    #[test]
    fn every_value_that_was_measured_is_a_row() {
        let (_, records) = examples();
        let mut out = Vec::new();
        super::write(table::measurement_tables(&records), &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "trial,round,host,metric,step,value\n\
             a,r,0,error,5,0.75\n\
             a,r,0,error,10,0.5\n\
             a,r,0,train_loss,10,2\n\
             a,r,1,train_loss,10,3\n"
        );
        let mut out = Vec::new();
        super::write(table::measurement_tables(&[]), &mut out).unwrap();
        assert_eq!(out, b"trial,round,host,metric,step,value\n");
    }
}
