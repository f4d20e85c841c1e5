//! Rows of a manifest, one at a time: TOML, JSON lines or CSV.

use std::fs::File;
use std::io::{BufRead, BufReader, Lines, Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Map, Value};

/// A row as it was written: a clip, or a group of clips.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Where it stands, from 1.
    pub line: u64,
    /// Its keys, `-` for `_`, and values.
    pub fields: Map<String, Value>,
}

/// The rows of a file. JSON lines and CSV are read as they are asked for, TOML as a whole.
pub enum Rows {
    /// Those left, already read.
    Toml(std::vec::IntoIter<Row>),
    /// A JSON object a line, after the number of lines read.
    JsonLines(u64, Lines<BufReader<File>>),
    /// Headings, the records left, and the text again, to tell where they stand.
    Csv(csv::StringRecord, Box<csv::StringRecordsIntoIter<File>>, File),
}

impl Rows {
    /// Open a manifest; its extension tells its kind.
    ///
    /// # Errors
    /// No such file, another extension, headings that cannot be read, or TOML that is none (with the line).
    pub fn open(path: &Path) -> Result<Self> {
        let open = || File::open(path).with_context(|| format!("manifest {}: cannot open", path.display()));
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        match extension.as_str() {
            "toml" => Ok(Self::Toml(toml_rows(path)?.into_iter())),
            "jsonl" | "ndjson" => Ok(Self::JsonLines(0, BufReader::new(open()?).lines())),
            "csv" => {
                let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(open()?);
                let headings = reader.headers().with_context(|| format!("manifest {}", path.display()))?.clone();
                Ok(Self::Csv(headings, Box::new(reader.into_records()), open()?))
            }
            _ => bail!("manifest {}: need a file that ends in .toml, .jsonl or .csv", path.display()),
        }
    }
}

impl Iterator for Rows {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Result<Row>> {
        match self {
            Self::Toml(rows) => rows.next().map(Ok),
            Self::JsonLines(line, lines) => loop {
                let text = lines.next()?;
                *line += 1;
                match text {
                    Ok(text) if text.trim().is_empty() => {}
                    text => return Some(json_row(*line, text).with_context(|| format!("line {line}"))),
                }
            },
            Self::Csv(headings, records, text) => {
                let record = records.next()?;
                let start = record.as_ref().map_or_else(csv::Error::position, csv::StringRecord::position);
                let line = start.map_or(0, |start| first_line(text, start));
                let record = record.with_context(|| format!("line {line}"));
                Some(record.map(|record| csv_row(line, headings, &record)))
            }
        }
    }
}

fn json_row(line: u64, text: std::io::Result<String>) -> Result<Row> {
    match serde_json::from_str(&text?).map_err(|error| anyhow!("no JSON object: {error}"))? {
        Value::Object(fields) => Ok(row(line, fields)),
        other => bail!("{other} is no JSON object; need {{\"class\": \"kick\", …}}"),
    }
}

/// An empty cell says nothing; `a|b` is a list.
fn csv_row(line: u64, headings: &csv::StringRecord, record: &csv::StringRecord) -> Row {
    let value = |cell: &str| match cell.split_once('|') {
        None => Value::from(cell),
        Some(_) => cell.split('|').map(|part| Value::from(part.trim())).collect(),
    };
    let cells = headings.iter().zip(record).filter(|(_, cell)| !cell.is_empty());
    let fields = cells.map(|(heading, cell)| (heading.to_owned(), value(cell))).collect();
    row(line, fields)
}

/// The line of a record: the reader tells where it began to look for it, which blank lines may follow.
fn first_line(text: &mut File, start: &csv::Position) -> u64 {
    // What cannot be read a second time is told as the reader tells it.
    if text.seek(SeekFrom::Start(start.byte())).is_err() {
        return start.line();
    }
    let bytes = BufReader::with_capacity(512, text).bytes().map_while(|byte| byte.ok());
    let blank = bytes.take_while(|byte| matches!(byte, b'\n' | b'\r'));
    start.line() + blank.filter(|&byte| byte == b'\n').count() as u64
}

fn toml_rows(path: &Path) -> Result<Vec<Row>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("manifest {}: cannot read", path.display()))?;
    let file: Value = toml::from_str(&text).map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        anyhow!("manifest {}, line {}: {}", path.display(), before.matches('\n').count() + 1, error.message())
    })?;
    let Value::Object(mut common) = file else { bail!("manifest {}: no table", path.display()) };
    let Some(Value::Array(clips)) = common.remove("clips") else {
        bail!("manifest {}: no [[clips]]; each is a row", path.display())
    };
    // The parser tells no lines; what it took for a row began with this heading.
    let heads = text.lines().zip(1..).filter(|(line, _)| line.trim_start().starts_with("[[clips]]"));
    let mut lines = heads.map(|(_, number)| number);
    let with_common = |clip: Value| {
        let mut fields = common.clone();
        fields.extend(clip.as_object().cloned().unwrap_or_default());
        row(lines.next().unwrap_or(1), fields)
    };
    Ok(clips.into_iter().map(with_common).collect())
}

/// `sample_rate` is `sample-rate`, and a table `set` is the keys `set.NAME`.
fn row(line: u64, fields: Map<String, Value>) -> Row {
    let mut flat = Map::new();
    for (key, value) in fields {
        match value {
            Value::Object(inner) => {
                flat.extend(inner.into_iter().map(|(name, value)| (format!("{key}.{name}"), value)));
            }
            value => drop(flat.insert(key.replace('_', "-"), value)),
        }
    }
    Row { line, fields: flat }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(name: &str, text: &str) -> Vec<Result<Row>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        Rows::open(&path).unwrap().collect()
    }

    fn fields(json: &str) -> Map<String, Value> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_three_forms_say_the_same() {
        let toml =
            "model = \"drums\"\n\n[[clips]]\nclass = [\"kick\", \"snare\"]\nseed = \"1..5\"\nsample_rate = \"48000\"\n";
        let json =
            "\n\n{\"model\":\"drums\",\"class\":[\"kick\",\"snare\"],\"seed\":\"1..5\",\"sample-rate\":\"48000\"}\n";
        let csv = "model,class,seed,sample-rate,pitch\ndrums,kick | snare,1..5,48000,\n";
        for (name, text, line) in [("a.toml", toml, 3), ("a.jsonl", json, 3), ("a.csv", csv, 2)] {
            let rows: Vec<Row> = rows(name, text).into_iter().map(Result::unwrap).collect();
            assert_eq!(rows.len(), 1, "{name}");
            assert_eq!(rows[0].line, line, "{name}");
            let want = r#"{"model":"drums","class":["kick","snare"],"seed":"1..5","sample-rate":"48000"}"#;
            assert_eq!(rows[0].fields, fields(want), "{name}");
        }
    }

    #[test]
    fn a_bad_line_is_named_and_the_next_is_read() {
        let json = rows("a.jsonl", "{\"seed\":1}\n[1]\n{oops\n{\"seed\":2}\n");
        let told: Vec<bool> = json.iter().map(Result::is_ok).collect();
        assert_eq!(told, [true, false, false, true]);
        for (row, line) in [(1, "line 2"), (2, "line 3")] {
            assert!(format!("{:#}", json[row].as_ref().unwrap_err()).starts_with(line));
        }
        let csv = rows("a.csv", "class,seed\nkick\nsnare,2\n");
        assert!(format!("{:#}", csv[0].as_ref().unwrap_err()).contains("line 2"));
        assert_eq!(csv[1].as_ref().unwrap().line, 3);
    }

    #[test]
    fn blank_lines_and_cells_of_several_lines_count_as_an_editor_counts() {
        let text = "class,seed\n\n\nkick,1\n\"sna\nre\",2\n\r\n\nkick\n\ntom,3";
        let rows = rows("a.csv", text);
        let lines: Vec<Option<u64>> = rows.iter().map(|row| row.as_ref().ok().map(|row| row.line)).collect();
        assert_eq!(lines, [Some(4), Some(5), None, Some(11)]);
        assert!(format!("{:#}", rows[2].as_ref().unwrap_err()).starts_with("line 9: "), "{rows:?}");
    }

    #[test]
    fn a_row_wins_over_what_counts_for_every_row() {
        let toml = rows("a.toml", "steps = 4\n[[clips]]\nseed = 1\n[[clips]]\nseed = 2\nsteps = 8\nset.decay = 0.5\n");
        assert_eq!(toml[0].as_ref().unwrap().fields, fields(r#"{"seed":1,"steps":4}"#));
        assert_eq!(toml[1].as_ref().unwrap().fields, fields(r#"{"seed":2,"steps":8,"set.decay":0.5}"#));
        assert_eq!(toml[1].as_ref().unwrap().line, 4);
    }

    #[test]
    fn toml_that_is_none_is_named_by_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        std::fs::write(&path, "a = 1\nb = \n").unwrap();
        assert!(Rows::open(&path).err().unwrap().to_string().contains("line 2"));
        std::fs::write(&path, "a = 1\n").unwrap();
        assert!(Rows::open(&path).err().unwrap().to_string().contains("[[clips]]"));
        assert!(Rows::open(Path::new("a.xml")).err().unwrap().to_string().contains(".toml"));
    }
}
