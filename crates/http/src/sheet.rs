//! Figures as files: CSV, XLSX and a page to print.

use std::fmt::Write;
use std::io;

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use lotse_domain::sheet::{Cell, Language, Sheet};
use lotse_domain::{Error, Result};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, XlsxError};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

/// Media types with their parameters.
pub const CSV: &str = "text/csv; charset=utf-8; header=present";
pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// What a file is asked for as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    #[default]
    Json,
    Csv,
    Xlsx,
    /// A page to print.
    Html,
}

/// How numbers are written and fields separated in CSV.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CsvForm {
    /// Comma between fields, point in numbers (RFC 4180).
    #[default]
    International,
    /// Semicolon between fields, comma in numbers: what a German spreadsheet opens by itself.
    German,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct FileParams {
    /// JSON unless told; figures are CSV with `Accept: text/csv` too.
    #[param(inline)]
    pub format: Option<FileFormat>,
    /// Of labels and headers.
    #[param(inline)]
    #[serde(default)]
    pub language: Language,
    /// Of CSV.
    #[param(inline)]
    #[serde(default)]
    pub form: CsvForm,
    /// Whether CSV begins with a byte order mark, which some spreadsheets take UTF-8 by.
    #[serde(default)]
    pub bom: bool,
}

/// A file to save.
pub struct File<'a> {
    /// Without extension.
    pub name: &'a str,
    pub title: &'a str,
    pub sheets: &'a [Sheet],
    /// When what it says was so; the same figures give the same file.
    pub at: DateTime<Utc>,
}

impl File<'_> {
    /// # Errors
    /// `Internal` when the file cannot be written.
    pub fn answer(&self, params: FileParams) -> Result<HttpResponse> {
        let (extension, kind, bytes) = match params.format.unwrap_or_default() {
            // JSON is answered by who has the figures.
            FileFormat::Json | FileFormat::Csv => ("csv", CSV, self.csv(params)?),
            FileFormat::Xlsx => {
                ("xlsx", XLSX, self.xlsx().map_err(|error| Error::Internal(error.into()))?)
            }
            FileFormat::Html => {
                ("html", "text/html; charset=utf-8", self.html(params.language).into_bytes())
            }
        };
        let disposition =
            if params.format == Some(FileFormat::Html) { "inline" } else { "attachment" };
        let mut response = HttpResponse::Ok();
        if params.format == Some(FileFormat::Html) {
            response.insert_header((CONTENT_SECURITY_POLICY, policy()));
        }
        Ok(response
            .insert_header((CONTENT_TYPE, kind))
            .insert_header((
                CONTENT_DISPOSITION,
                format!("{disposition}; filename=\"{}.{extension}\"", self.name),
            ))
            .body(bytes))
    }

    /// One row for each value, since sheets have different columns.
    fn csv(&self, params: FileParams) -> Result<Vec<u8>> {
        let internal = |error: csv::Error| Error::Internal(error.into());
        let german = params.form == CsvForm::German;
        let mut writer = csv_writer(params.form, params.bom, Vec::new())?;
        let language = params.language;
        let header = [
            language.of("Tabelle", "Table"),
            language.of("Zeile", "Row"),
            language.of("Spalte", "Column"),
            language.of("Wert", "Value"),
        ];
        writer.write_record(header).map_err(internal)?;
        for sheet in self.sheets {
            for row in &sheet.rows {
                // Texts at the beginning name the row; what follows are its values.
                let names = row.iter().take_while(|cell| matches!(cell, Cell::Text(_))).count();
                let names = names.min(row.len().saturating_sub(1));
                let name: Vec<String> =
                    row[..names].iter().map(|cell| text(cell, german)).collect();
                for (column, cell) in sheet.header.iter().zip(row).skip(names) {
                    if *cell == Cell::Empty {
                        continue;
                    }
                    let record = [
                        plain(&sheet.title),
                        plain(&name.join(" / ")),
                        plain(column),
                        text(cell, german),
                    ];
                    writer.write_record(record).map_err(internal)?;
                }
            }
        }
        writer.into_inner().map_err(|error| Error::internal(error.to_string()))
    }

    pub fn xlsx(&self) -> std::result::Result<Vec<u8>, XlsxError> {
        let mut workbook = Workbook::new();
        let made = ExcelDateTime::from_timestamp(self.at.timestamp())?;
        let properties = DocProperties::new().set_title(self.title).set_creation_datetime(&made);
        workbook.set_properties(&properties);
        let bold = Format::new().set_bold();
        for (at, sheet) in self.sheets.iter().enumerate() {
            let worksheet = workbook.add_worksheet();
            worksheet.set_name(sheet_name(at, &sheet.title))?;
            worksheet.set_freeze_panes(1, 0)?;
            for (column, name) in (0_u16..).zip(&sheet.header) {
                worksheet.write_string_with_format(0, column, name, &bold)?;
            }
            for (row, cells) in (1_u32..).zip(&sheet.rows) {
                for (column, cell) in (0_u16..).zip(cells) {
                    match cell {
                        Cell::Text(text) => worksheet.write_string(row, column, text)?,
                        #[expect(clippy::cast_precision_loss, reason = "a spreadsheet's numbers")]
                        Cell::Number(number) => {
                            worksheet.write_number(row, column, *number as f64)?
                        }
                        Cell::Decimal(number) => worksheet.write_number(row, column, *number)?,
                        Cell::Empty => continue,
                    };
                }
            }
            worksheet.autofit();
        }
        workbook.save_to_buffer()
    }

    fn html(&self, language: Language) -> String {
        let mut page = format!(
            "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n",
            language.of("de", "en"),
            title = escaped(self.title),
        );
        for sheet in self.sheets {
            let _ =
                write!(page, "<section>\n<h2>{}</h2>\n<table>\n<thead><tr>", escaped(&sheet.title));
            for name in &sheet.header {
                let _ = write!(page, "<th>{}</th>", escaped(name));
            }
            page.push_str("</tr></thead>\n<tbody>\n");
            for row in &sheet.rows {
                page.push_str("<tr>");
                for cell in row {
                    let number = matches!(cell, Cell::Number(_) | Cell::Decimal(_));
                    let class = if number { " class=\"number\"" } else { "" };
                    let shown = match cell {
                        Cell::Text(text) => escaped(text),
                        other => escaped(&written(other, language == Language::De)),
                    };
                    let _ = write!(page, "<td{class}>{shown}</td>");
                }
                page.push_str("</tr>\n");
            }
            page.push_str("</tbody>\n</table>\n</section>\n");
        }
        page.push_str("</body>\n</html>\n");
        page
    }
}

/// RFC 4180, or what a German spreadsheet opens by itself.
pub fn csv_writer<W: io::Write>(form: CsvForm, bom: bool, mut to: W) -> Result<csv::Writer<W>> {
    if bom {
        to.write_all("\u{feff}".as_bytes()).map_err(|error| Error::Internal(error.into()))?;
    }
    Ok(csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .delimiter(if form == CsvForm::German { b';' } else { b',' })
        .from_writer(to))
}

const STYLE: &str = "body{font:11pt/1.4 sans-serif;margin:2em;color:#111}\
h1{font-size:1.5em}h2{font-size:1.15em;margin:1.6em 0 .4em}\
table{border-collapse:collapse;font-size:.85em}\
th,td{border:1px solid #999;padding:.2em .5em;text-align:left;vertical-align:top}\
th{background:#eee}.number{text-align:right;font-variant-numeric:tabular-nums}\
@media print{body{margin:0}section{break-inside:avoid-page}thead{display:table-header-group}}";

/// Lets a page have its own style and nothing else.
fn policy() -> String {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    format!("default-src 'none'; style-src 'sha256-{hash}'; frame-ancestors 'none'")
}

/// At most 31 characters, none of `[]:*?/\`, and unique: the number sees to that.
fn sheet_name(at: usize, title: &str) -> String {
    let allowed = title.chars().filter(|c| !"[]:*?/\\'".contains(*c));
    format!("{} {}", at + 1, allowed.collect::<String>()).chars().take(31).collect()
}

fn written(cell: &Cell, german: bool) -> String {
    match cell {
        Cell::Text(text) => text.clone(),
        Cell::Number(number) => number.to_string(),
        Cell::Decimal(number) if german => number.to_string().replace('.', ","),
        Cell::Decimal(number) => number.to_string(),
        Cell::Empty => String::new(),
    }
}

/// As a field of CSV.
pub fn text(cell: &Cell, german: bool) -> String {
    match cell {
        Cell::Text(text) => plain(text),
        other => written(other, german),
    }
}

/// Text that a spreadsheet would take for a formula is led by an apostrophe (OWASP, CSV injection).
pub fn plain(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheets() -> Vec<Sheet> {
        vec![Sheet {
            title: "Beratungen nach Standort".to_owned(),
            header: ["Standort", "Beratungen", "Anteil"].map(str::to_owned).to_vec(),
            rows: vec![vec!["=1+1 <b>".into(), 3_i64.into(), Some(1.5).into()]],
        }]
    }

    fn file(sheets: &[Sheet]) -> File<'_> {
        File { name: "x", title: "A & B", sheets, at: DateTime::UNIX_EPOCH }
    }

    #[test]
    fn german_csv_has_semicolons_and_commas() {
        let sheets = sheets();
        let german = FileParams { form: CsvForm::German, bom: true, ..FileParams::default() };
        let text = String::from_utf8(file(&sheets).csv(german).unwrap()).unwrap();
        assert_eq!(
            text,
            "\u{feff}Tabelle;Zeile;Spalte;Wert\r\n\
             Beratungen nach Standort;'=1+1 <b>;Beratungen;3\r\n\
             Beratungen nach Standort;'=1+1 <b>;Anteil;1,5\r\n"
        );
        let plain = FileParams { language: Language::En, ..FileParams::default() };
        let text = String::from_utf8(file(&sheets).csv(plain).unwrap()).unwrap();
        assert!(text.starts_with("Table,Row,Column,Value\r\n"), "{text}");
        assert!(text.ends_with(",Anteil,1.5\r\n"), "{text}");
    }

    #[test]
    fn a_page_shows_text_as_text() {
        let page = file(&sheets()).html(Language::De);
        assert!(page.contains("<h1>A &amp; B</h1>") && page.contains("=1+1 &lt;b&gt;"), "{page}");
        assert!(page.contains("<td class=\"number\">1,5</td>"), "{page}");
    }

    #[test]
    fn names_of_sheets_are_short_and_plain() {
        assert_eq!(
            sheet_name(3, "Beratungen nach Standort / Jahr [alle]"),
            "4 Beratungen nach Standort  Jah"
        );
    }
}
