//! The table in a file: how it is written, as far as the file shows it, and its rows. A file is somebody else's, so
//! everything about it has a bound.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use calamine::{Data, Reader, Xlsx, XlsxError};
use encoding_rs::{UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::field::{FieldKind, date, field, number, of_header};
use super::{
    Column, Delimiter, Detected, FileForm, ImportFormat, ImportTarget, MappedColumn, TextEncoding,
};
use crate::code::Code;
use crate::error::{Error, Result};

pub const MOST_BYTES: usize = 20 * 1024 * 1024;
/// A workbook is compressed; what it holds unpacked is held in memory.
const MOST_UNPACKED: u64 = 200 * 1024 * 1024;
pub const MOST_ROWS: i64 = 200_000;
const MOST_COLUMNS: usize = 200;
/// Cells of a workbook that are held at once, empty ones among them.
const MOST_PLACES: usize = 5_000_000;
const MOST_CHARACTERS: usize = 10_000;
/// So many rows are looked at to tell how a file is written.
const LOOKED_AT: usize = 1000;
const SAMPLES: usize = 3;

/// A cell: text, and whether the file itself says that it is a number, a date or a truth value. Those are written
/// in the plain form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    pub text: String,
    pub typed: bool,
}

impl Cell {
    fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), typed: false }
    }

    fn typed(text: impl Into<String>) -> Self {
        Self { text: text.into(), typed: true }
    }
}

/// A row with its line in the table; the header is the first.
#[derive(Clone, Debug)]
pub struct Row {
    pub number: i64,
    pub cells: Vec<Cell>,
}

type Rows = Box<dyn Iterator<Item = Result<Row>>>;

/// The header, and the rows below it one after the other.
pub struct Table {
    pub header: Vec<String>,
    pub rows: Rows,
}

fn refused(code: &str, message: impl Into<String>) -> Error {
    Error::invalid("", code, message)
}

/// What the file shows of how it is written. What it leaves open is null: nobody guesses it.
///
/// # Errors
/// `Invalid` when there is no table in it.
pub fn detect(bytes: &[u8], format: ImportFormat, reading: Reading) -> Result<Detected> {
    if bytes.len() > MOST_BYTES {
        return Err(refused("too_large", format!("must have at most {MOST_BYTES} bytes")));
    }
    let (form, sheets) = match format {
        ImportFormat::Csv => {
            let encoding = encoding(bytes);
            let text = decoded(bytes, encoding)?;
            let form = FileForm {
                encoding: Some(encoding),
                delimiter: delimiter(&text),
                sheet: None,
                date_form: None,
                number_form: None,
            };
            (form, Vec::new())
        }
        ImportFormat::Xlsx => {
            let sheets = workbook(bytes)?.sheet_names();
            // Which of several is meant, the file does not say.
            let sheet = if sheets.len() == 1 { sheets.first().cloned() } else { None };
            let form = FileForm {
                encoding: None,
                delimiter: None,
                sheet,
                date_form: None,
                number_form: None,
            };
            (form, sheets)
        }
    };
    let mut detected = Detected { form, sheets, columns: Vec::new() };
    if detected.form.is_readable(format) {
        look(bytes, format, reading, &mut detected)?;
    }
    Ok(detected)
}

/// What columns are taken for: the forms of dates and numbers are told by those that hold such. `41.20` may be a code.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    pub target: ImportTarget,
    /// Columns that a person mapped; the others by their headers.
    pub mapped: &'a [MappedColumn],
}

impl Reading<'_> {
    fn kind(&self, header: &str) -> Option<FieldKind> {
        let mapped = self.mapped.iter().find(|column| column.header == header);
        let known = match mapped {
            Some(column) => field(self.target, &column.field),
            None => of_header(self.target, header),
        };
        known.map(|field| field.kind)
    }
}

/// Samples of the columns, and the forms of dates and numbers that all of the looked at agree with.
///
/// # Errors
/// As [`read`].
pub fn look(
    bytes: &[u8],
    format: ImportFormat,
    reading: Reading,
    detected: &mut Detected,
) -> Result<()> {
    let table = read(bytes, format, &detected.form)?;
    let mut columns: Vec<Column> =
        table.header.into_iter().map(|header| Column { header, samples: Vec::new() }).collect();
    let kinds: Vec<_> = columns.iter().map(|column| reading.kind(&column.header)).collect();
    let mut dates = Candidates::new();
    let mut numbers = Candidates::new();
    for row in table.rows.take(LOOKED_AT) {
        for ((column, kind), cell) in columns.iter_mut().zip(&kinds).zip(row?.cells) {
            let text = cell.text.trim();
            if text.is_empty() {
                continue;
            }
            match kind {
                _ if cell.typed => {}
                Some(FieldKind::Date) => dates.see(text, date),
                Some(FieldKind::Number | FieldKind::Integer) => numbers.see(text, number),
                _ => {}
            }
            if column.samples.len() < SAMPLES && !column.samples.iter().any(|seen| seen == text) {
                column.samples.push(text.chars().take(100).collect());
            }
        }
    }
    detected.columns = columns;
    detected.form.date_form = dates.only();
    detected.form.number_form = numbers.only();
    Ok(())
}

/// The forms that are left when each cell that is of some of them strikes out the others. A file in which all cells
/// fit several forms says nothing.
struct Candidates<F> {
    left: Vec<F>,
    seen: bool,
}

impl<F: Code + PartialEq> Candidates<F> {
    fn new() -> Self {
        Self { left: F::all(), seen: false }
    }

    fn see<T>(&mut self, text: &str, parse: fn(&str, Option<F>) -> Option<T>) {
        let fits: Vec<F> =
            F::all().into_iter().filter(|form| parse(text, Some(*form)).is_some()).collect();
        // What fits every form, such as `12`, tells none apart; what fits none is no date or number.
        if !fits.is_empty() && fits.len() < F::all().len() {
            self.seen = true;
            self.left.retain(|form| fits.contains(form));
        }
    }

    fn only(self) -> Option<F> {
        if self.seen && self.left.len() == 1 { self.left.into_iter().next() } else { None }
    }
}

/// By its mark, by its zeros, by being valid UTF-8, otherwise what spreadsheets in Western Europe write: every
/// sequence of bytes is text in it, so it comes last.
fn encoding(bytes: &[u8]) -> TextEncoding {
    match bytes {
        [0xEF, 0xBB, 0xBF, ..] => return TextEncoding::Utf8Bom,
        [0xFF, 0xFE, ..] => return TextEncoding::Utf16Le,
        [0xFE, 0xFF, ..] => return TextEncoding::Utf16Be,
        _ => {}
    }
    let start = &bytes[..bytes.len().min(4096)];
    let zeros = |parity: usize| {
        start.iter().enumerate().filter(|(at, byte)| at % 2 == parity && **byte == 0).count()
    };
    // Letters of European languages have a zero in one half in UTF-16, and none elsewhere.
    if zeros(0) + zeros(1) > start.len() / 4 {
        return if zeros(0) > zeros(1) { TextEncoding::Utf16Be } else { TextEncoding::Utf16Le };
    }
    if std::str::from_utf8(bytes).is_ok() { TextEncoding::Utf8 } else { TextEncoding::Windows1252 }
}

/// # Errors
/// `Invalid` when the bytes are not text in this encoding.
fn decoded(bytes: &[u8], encoding: TextEncoding) -> Result<Cow<'_, str>> {
    let encoding = match encoding {
        TextEncoding::Utf8 | TextEncoding::Utf8Bom => UTF_8,
        TextEncoding::Windows1252 => WINDOWS_1252,
        TextEncoding::Utf16Le => UTF_16LE,
        TextEncoding::Utf16Be => UTF_16BE,
    };
    let (text, faulty) = encoding.decode_with_bom_removal(bytes);
    if faulty {
        return Err(refused("not_of_this_encoding", "has bytes that are no text in this encoding"));
    }
    Ok(text)
}

fn byte(delimiter: Delimiter) -> u8 {
    match delimiter {
        Delimiter::Semicolon => b';',
        Delimiter::Comma => b',',
        Delimiter::Tab => b'\t',
        Delimiter::Pipe => b'|',
    }
}

/// The one by which the first rows have the same number of cells, and more than one. None when several would do.
fn delimiter(text: &str) -> Option<Delimiter> {
    let widths = |delimiter: Delimiter| {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(byte(delimiter))
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes());
        let widths: Vec<usize> =
            reader.records().take(20).flatten().map(|record| record.len()).collect();
        let first = widths.first().copied().unwrap_or_default();
        (first > 1 && widths.iter().all(|width| *width == first)).then_some(first)
    };
    let mut fits: Vec<(usize, Delimiter)> = Delimiter::all()
        .into_iter()
        .filter_map(|delimiter| Some((widths(delimiter)?, delimiter)))
        .collect();
    fits.sort_by_key(|(width, _)| std::cmp::Reverse(*width));
    match fits.as_slice() {
        [(_, only)] => Some(*only),
        // `a;b,c` is two cells by either; one that makes clearly more is the one.
        [(most, first), (next, _), ..] if *most >= 2 * *next => Some(*first),
        _ => None,
    }
}

/// # Errors
/// `Invalid` when the form does not say how to read it, or the file is no table by it.
pub fn read(bytes: &[u8], format: ImportFormat, form: &FileForm) -> Result<Table> {
    let mut rows = match format {
        ImportFormat::Csv => csv_rows(bytes, form)?,
        ImportFormat::Xlsx => workbook_rows(bytes, form)?,
    };
    let header = rows.next().ok_or_else(|| refused("empty", "must have a row of headers"))??;
    let header: Vec<String> =
        header.cells.into_iter().map(|cell| cell.text.trim().to_owned()).collect();
    if header.iter().all(String::is_empty) {
        return Err(refused("no_header", "must have a row of headers at its top"));
    }
    for (index, name) in header.iter().enumerate() {
        if !name.is_empty() && header[..index].contains(name) {
            return Err(refused("repeated_header", format!("has two columns called {name}")));
        }
    }
    // Spreadsheets leave empty rows at the end, and between.
    let filled = |row: &Result<Row>| match row {
        Ok(row) => row.cells.iter().any(|cell| !cell.text.trim().is_empty()),
        Err(_) => true,
    };
    Ok(Table { header, rows: Box::new(rows.filter(filled)) })
}

fn check_place(number: i64, width: usize) -> Result<()> {
    if number > MOST_ROWS + 1 {
        return Err(refused("too_many_rows", format!("must have at most {MOST_ROWS} rows")));
    }
    if width > MOST_COLUMNS {
        return Err(refused(
            "too_many_columns",
            format!("must have at most {MOST_COLUMNS} columns, row {number} has {width}"),
        ));
    }
    Ok(())
}

fn too_large_unpacked() -> Error {
    let message = format!("must have at most {MOST_UNPACKED} bytes unpacked");
    refused("too_large_unpacked", message)
}

fn bounded(number: i64, mut cells: Vec<Cell>) -> Result<Row> {
    check_place(number, cells.len())?;
    for cell in &mut cells {
        if cell.text.len() > MOST_CHARACTERS {
            return Err(refused(
                "cell_too_long",
                format!("row {number} has a cell of more than {MOST_CHARACTERS} bytes"),
            ));
        }
        // PostgreSQL text cannot hold it, and what is refused is kept as it stood.
        if cell.text.contains('\0') {
            cell.text = cell.text.replace('\0', "\u{fffd}");
        }
    }
    Ok(Row { number, cells })
}

fn csv_rows(bytes: &[u8], form: &FileForm) -> Result<Rows> {
    let missing = |field: &str| Error::invalid(format!("/form/{field}"), "missing", "is required");
    let encoding = form.encoding.ok_or_else(|| missing("encoding"))?;
    let delimiter = form.delimiter.ok_or_else(|| missing("delimiter"))?;
    let text = decoded(bytes, encoding)?.into_owned();
    let records = csv::ReaderBuilder::new()
        .delimiter(byte(delimiter))
        .has_headers(false)
        .flexible(true)
        .from_reader(Cursor::new(text))
        .into_records();
    Ok(Box::new(records.zip(1_i64..).map(|(record, number)| {
        let record = record.map_err(|error| refused("not_csv", error.to_string()))?;
        bounded(number, record.iter().map(Cell::text).collect())
    })))
}

fn workbook(bytes: &[u8]) -> Result<Xlsx<Cursor<&[u8]>>> {
    check_unpacked(bytes, MOST_UNPACKED)?;
    Xlsx::new(Cursor::new(bytes)).map_err(|error| refused("not_a_workbook", error.to_string()))
}

/// Unpacks it once into nothing: what an archive says of its sizes need not be true.
fn check_unpacked(bytes: &[u8], most: u64) -> Result<()> {
    let broken = |error: String| refused("not_a_workbook", error);
    let mut archive =
        zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| broken(error.to_string()))?;
    let mut left = most;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|error| broken(error.to_string()))?;
        let read = std::io::copy(&mut part.take(left + 1), &mut std::io::sink())
            .map_err(|error| broken(error.to_string()))?;
        if read > left {
            return Err(too_large_unpacked());
        }
        left -= read;
    }
    Ok(())
}

fn workbook_rows(bytes: &[u8], form: &FileForm) -> Result<Rows> {
    let Some(sheet) = &form.sheet else {
        return Err(Error::invalid("/form/sheet", "missing", "must name one of the sheets"));
    };
    let mut workbook = workbook(bytes)?;
    if !workbook.sheet_names().contains(sheet) {
        return Err(Error::invalid("/form/sheet", "unknown", "must name one of the sheets"));
    }
    let broken = |error: XlsxError| refused("not_a_workbook", error.to_string());
    // Cell by cell: as a whole, a sheet with two cells far apart would have all those between them.
    let mut reader = workbook.worksheet_cells_reader(sheet).map_err(broken)?;
    let mut rows: BTreeMap<i64, Vec<Cell>> = BTreeMap::new();
    let mut text: u64 = 0;
    let mut places = 0;
    while let Some(found) = reader.next_cell().map_err(broken)? {
        let value = cell(&found.get_value().clone().into());
        if value.text.is_empty() {
            continue;
        }
        let (row, column) = found.get_position();
        let (number, column) = (i64::from(row) + 1, column as usize);
        check_place(number, column + 1)?;
        // Cells may share one long text.
        text += value.text.len() as u64;
        if text > MOST_UNPACKED {
            return Err(too_large_unpacked());
        }
        let cells = rows.entry(number).or_default();
        if cells.len() <= column {
            // Those before it are held too, be they empty.
            places += column + 1 - cells.len();
            if places > MOST_PLACES {
                return Err(refused(
                    "too_many_cells",
                    format!("must have at most {MOST_PLACES} cells"),
                ));
            }
            cells.resize(column + 1, Cell::default());
        }
        cells[column] = value;
    }
    Ok(Box::new(rows.into_iter().map(|(number, cells)| bounded(number, cells))))
}

fn cell(data: &Data) -> Cell {
    match data {
        Data::Empty | Data::Error(_) => Cell::default(),
        Data::String(text) => Cell::text(text.as_str()),
        Data::Int(number) => Cell::typed(number.to_string()),
        Data::Float(number) => Cell::typed(number.to_string()),
        Data::Bool(truth) => Cell::typed(truth.to_string()),
        Data::DateTime(at) => {
            let (year, month, day, hour, minute, second, _) = at.to_ymd_hms_milli();
            // A time of day is a part of a day without a date.
            if at.as_f64() < 1.0 {
                Cell::typed(format!("{hour:02}:{minute:02}:{second:02}"))
            } else {
                Cell::typed(format!("{year:04}-{month:02}-{day:02}"))
            }
        }
        Data::DateTimeIso(text) => Cell::typed(text.chars().take(10).collect::<String>()),
        Data::DurationIso(text) => Cell::typed(text.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::import::{DateForm, NumberForm};

    const READING: Reading<'_> = Reading { target: ImportTarget::Consultations, mapped: &[] };

    fn of_text(text: &str) -> Detected {
        detect(text.as_bytes(), ImportFormat::Csv, READING).unwrap()
    }

    #[test]
    fn each_encoding_is_told_by_its_bytes() {
        let text = "Firma;Ort\r\nMüller & Söhne;Gießen\r\n";
        let utf16 = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            text.encode_utf16().flat_map(bytes).collect()
        };
        let (windows, ..) = WINDOWS_1252.encode(text);
        let with_mark = ["\u{feff}", text].concat();
        for (bytes, encoding) in [
            (text.as_bytes().to_vec(), TextEncoding::Utf8),
            (with_mark.as_bytes().to_vec(), TextEncoding::Utf8Bom),
            (windows.to_vec(), TextEncoding::Windows1252),
            (utf16(u16::to_le_bytes), TextEncoding::Utf16Le),
            (utf16(u16::to_be_bytes), TextEncoding::Utf16Be),
        ] {
            let detected = detect(&bytes, ImportFormat::Csv, READING).unwrap();
            assert_eq!(detected.form.encoding, Some(encoding));
            assert_eq!(detected.form.delimiter, Some(Delimiter::Semicolon));
            assert_eq!(detected.columns[0].header, "Firma");
            assert_eq!(detected.columns[0].samples, ["Müller & Söhne"]);
        }
    }

    #[test]
    fn forms_are_told_only_when_the_file_shows_them() {
        let german = of_text("Datum;Dauer;Code\n31.12.2026;1.234,5;41.20\n01.02.2026;7;y\n");
        assert_eq!(german.form.date_form, Some(DateForm::German));
        assert_eq!(german.form.number_form, Some(NumberForm::German));
        // The third of April or the fourth of March; a thousand or one.
        let open = of_text("Datum;Dauer\n03/04/2026;12\n05/06/2026;13\n");
        assert_eq!((open.form.date_form, open.form.number_form), (None, None));
        let british = of_text("Datum;Dauer\n03/04/2026;12\n25/06/2026;13\n");
        assert_eq!(british.form.date_form, Some(DateForm::British));
    }

    #[test]
    fn a_delimiter_that_could_be_another_is_left_open() {
        assert_eq!(of_text("a;b;c\n1,5;2,5;x\n").form.delimiter, Some(Delimiter::Semicolon));
        assert_eq!(of_text("a;b,c\n1;2,3\n").form.delimiter, None);
        assert_eq!(of_text("only one column\nx\n").form.delimiter, None);
    }

    #[test]
    fn rows_keep_their_line_and_empty_ones_are_passed_over() {
        let form = FileForm {
            encoding: Some(TextEncoding::Utf8),
            delimiter: Some(Delimiter::Comma),
            sheet: None,
            date_form: None,
            number_form: None,
        };
        let text = b"name,town\nA,B\n,\n\"C\nD\",\"E,F\"\n";
        let table = read(text, ImportFormat::Csv, &form).unwrap();
        assert_eq!(table.header, ["name", "town"]);
        let rows: Vec<Row> = table.rows.collect::<Result<_>>().unwrap();
        assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), [2, 4]);
        assert_eq!(rows[1].cells[1].text, "E,F");
    }

    #[test]
    fn two_cells_far_apart_are_two_cells() {
        let mut book = rust_xlsxwriter::Workbook::new();
        let sheet = book.add_worksheet();
        sheet.write_string(0, 0, "Firma").unwrap();
        sheet.write_string(0, 1, "Mitarbeiter").unwrap();
        sheet.write_string(4, 0, "Muster GmbH").unwrap();
        sheet.write_number(4, 1, 42.5).unwrap();
        let detected =
            detect(&book.save_to_buffer().unwrap(), ImportFormat::Xlsx, READING).unwrap();
        assert_eq!(detected.columns[1].samples, ["42.5"]);
        sheet_of(&mut book).write_string(1_000_000, 16_000, "x").unwrap();
        let far = detect(&book.save_to_buffer().unwrap(), ImportFormat::Xlsx, READING);
        assert!(matches!(far, Err(Error::Invalid(errors)) if errors[0].code == "too_many_rows"));
    }

    fn sheet_of(book: &mut rust_xlsxwriter::Workbook) -> &mut rust_xlsxwriter::Worksheet {
        book.worksheet_from_index(0).unwrap()
    }

    #[test]
    fn a_table_has_bounds() {
        let row = vec!["a"; 10_000].join(";");
        let wide = format!("{row}\n{row}\n");
        let refused = detect(wide.as_bytes(), ImportFormat::Csv, READING);
        assert!(matches!(refused, Err(Error::Invalid(_))));
        assert!(detect(b"PK\x03\x04nothing", ImportFormat::Xlsx, READING).is_err());
    }

    #[test]
    fn an_archive_that_unpacks_to_too_much_is_refused_whatever_it_says() {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for part in ["xl/workbook.xml", "xl/worksheets/sheet1.xml"] {
            archive.start_file(part, zip::write::SimpleFileOptions::default()).unwrap();
            std::io::Write::write_all(&mut archive, &vec![b' '; 60_000]).unwrap();
        }
        let mut bytes = archive.finish().unwrap().into_inner();
        assert!(bytes.len() < 1000);
        check_unpacked(&bytes, 120_000).unwrap();
        // The sizes in its directory are small.
        let directory = bytes.windows(4).position(|it| it == b"PK\x01\x02").unwrap();
        bytes[directory + 24..directory + 28].copy_from_slice(&10_u32.to_le_bytes());
        let Err(Error::Invalid(errors)) = check_unpacked(&bytes, 119_999) else {
            panic!("was taken")
        };
        assert!(["too_large_unpacked", "not_a_workbook"].contains(&errors[0].code.as_str()));
    }

    fn a_workbook() -> Vec<u8> {
        let mut book = rust_xlsxwriter::Workbook::new();
        let sheet = book.add_worksheet();
        for row in 0..5 {
            sheet.write_string(row, 0, "Firma").unwrap();
            sheet.write_number(row, 1, f64::from(row)).unwrap();
        }
        book.save_to_buffer().unwrap()
    }

    proptest! {
        #[test]
        fn no_file_brings_it_down(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
            let _ = detect(&bytes, ImportFormat::Csv, READING);
            let _ = detect(&bytes, ImportFormat::Xlsx, READING);
        }

        #[test]
        fn no_table_brings_it_down(text in "([a-zÄ=+@0-9.\"';,|\\t\r\n\u{0}\u{feff}]|[^\u{0}]){0,300}") {
            let _ = detect(text.as_bytes(), ImportFormat::Csv, READING);
        }

        #[test]
        fn no_broken_workbook_brings_it_down(
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = a_workbook();
            for (place, byte) in changes {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            let _ = detect(&bytes, ImportFormat::Xlsx, READING);
            bytes.truncate(cut.index(bytes.len()));
            let _ = detect(&bytes, ImportFormat::Xlsx, READING);
        }
    }
}
