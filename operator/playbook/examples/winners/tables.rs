//! Tables of trainings that were repeated with other seeds.

use std::{collections::HashMap, error::Error, fs, path::Path};

/// Trainings of each point.
pub const SEEDS: usize = 5;
/// Digits of a point: alpha, batch size, depth, learning rate, width.
pub const DIGITS: usize = 5;

/// A point by its digits.
pub type Digits = [u8; DIGITS];

/// Validation errors of the points of one data set, by seed.
pub struct Table {
    /// Of the data set.
    pub name: String,
    /// All points, in order.
    pub points: Vec<Digits>,
    /// The values that each digit takes, in order.
    pub levels: [Vec<u8>; DIGITS],
    errors: HashMap<Digits, [f64; SEEDS]>,
}

impl Table {
    /// The table in lines of `digits,error,error,error,error,error`.
    pub fn parse(name: &str, text: &str) -> Result<Self, Box<dyn Error>> {
        let mut errors = HashMap::new();
        for line in text.lines() {
            let (point, values) = line.split_once(',').ok_or_else(|| format!("{name}: {line}: no comma"))?;
            let digits: Vec<u8> = point.bytes().map(|byte| byte.wrapping_sub(b'0')).collect();
            let digits: Digits = digits.try_into().map_err(|_| format!("{name}: {point}: expected {DIGITS} digits"))?;
            let values: Vec<f64> = values.split(',').map(str::parse).collect::<Result<_, _>>()?;
            errors.insert(digits, values.try_into().map_err(|_| format!("{name}: {line}: expected {SEEDS} errors"))?);
        }
        let mut points: Vec<Digits> = errors.keys().copied().collect();
        points.sort_unstable();
        let levels = std::array::from_fn(|digit| {
            let mut levels: Vec<u8> = points.iter().map(|point| point[digit]).collect();
            levels.sort_unstable();
            levels.dedup();
            levels
        });
        Ok(Self { name: name.to_owned(), points, levels, errors })
    }

    /// The errors of a point by seed; nothing for one that the table does not have.
    pub fn errors(&self, point: Digits) -> Option<[f64; SEEDS]> {
        self.errors.get(&point).copied()
    }
}

/// The tables of a folder, by name.
pub fn read(folder: &Path) -> Result<Vec<Table>, Box<dyn Error>> {
    let mut files: Vec<_> = fs::read_dir(folder)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    files.retain(|file| file.extension().is_some_and(|e| e == "csv"));
    files.sort();
    let table = |file: &std::path::PathBuf| {
        let name = file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        Table::parse(&name, &fs::read_to_string(file)?)
    };
    files.iter().map(table).collect()
}
