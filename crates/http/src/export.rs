//! Lists as files. With `format`, any list answers all its items as CSV, XLSX or JSON Lines in place of a page.
//! They are read page by page while they are sent, so a file takes as much memory as a page, however long the
//! list is; each page is checked and scoped like one that is asked for by itself.

use std::io::{self, Write};

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE};
use lotse_app::{App, Request};
use lotse_domain::page::{Page, PageParams};
use lotse_domain::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::extract::ListQuery;
use crate::respond::Answer;
use crate::sheet::{CSV, CsvForm, XLSX, csv_writer};
use crate::state::State;
use crate::written::{ToClient, written};

mod column;
mod workbook;
use column::Column;
use workbook::Book;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    Csv,
    Xlsx,
    /// An item as JSON on each line, as the list has it.
    Jsonl,
}

impl ExportFormat {
    pub fn all() -> [Self; 3] {
        [Self::Csv, Self::Xlsx, Self::Jsonl]
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Xlsx => XLSX,
            Self::Jsonl => "application/jsonl",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Jsonl => "jsonl",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ExportParams {
    /// All items of the list as a file in place of one page; without `limit`, `cursor` and `total`.
    #[param(inline)]
    pub format: Option<ExportFormat>,
    /// Of CSV; the German one has dates as 31.12.2026 too.
    #[param(inline)]
    pub form: Option<CsvForm>,
    /// Whether CSV begins with a byte order mark, which some spreadsheets take UTF-8 by.
    pub bom: Option<bool>,
    /// Whether values of CSV and XLSX are left as JSON has them, as far as a cell of XLSX holds them (32,767
    /// characters). Otherwise they are written for people: lists by the names in them, times in the zone of the
    /// network, and an apostrophe before text that a spreadsheet would take for a formula in CSV.
    pub lossless: Option<bool>,
}

/// A list as a file.
#[derive(Clone, Copy, Debug)]
pub struct Export {
    pub format: ExportFormat,
    pub form: CsvForm,
    pub bom: bool,
    pub lossless: bool,
}

impl ExportParams {
    /// None when a page is wanted.
    ///
    /// # Errors
    /// `Malformed` for what belongs to a page only, or to a file only.
    pub fn wanted(self, page: &PageParams) -> Result<Option<Export>> {
        let refused =
            |parameter: &str, code, message| Err(Error::malformed_query(parameter, code, message));
        let Some(format) = self.format else {
            let needs = [
                ("form", self.form.is_some()),
                ("bom", self.bom.is_some()),
                ("lossless", self.lossless.is_some()),
            ];
            return match needs.iter().find(|(_, given)| *given) {
                Some((name, _)) => refused(name, "without_format", "needs a format"),
                None => Ok(None),
            };
        };
        let of_page = [
            ("limit", page.limit.is_some()),
            ("cursor", page.cursor.is_some()),
            ("total", page.total.is_some()),
        ];
        if let Some((name, _)) = of_page.iter().find(|(_, given)| *given) {
            return refused(name, "not_of_a_file", "belongs to a page, and a file has all items");
        }
        Ok(Some(Export {
            format,
            form: self.form.unwrap_or_default(),
            bom: self.bom.unwrap_or_default(),
            lossless: self.lossless.unwrap_or_default(),
        }))
    }
}

/// Begins the file. What the list refuses is refused here, with the first page.
pub async fn send<F, T, W>(
    state: &State,
    name: &str,
    export: Export,
    query: ListQuery<F>,
    work: W,
) -> Answer<HttpResponse>
where
    F: Send + 'static,
    T: Serialize + ToSchema + Send + 'static,
    W: Fn(&App, &ListQuery<F>) -> Result<Page<T>> + Send + 'static,
{
    let (first, mut query, work) = state
        .run(move |app| {
            let first = work(app, &query)?;
            Ok((first, query, work))
        })
        .await?;
    let request = Request::default();
    let waiting = request.while_waiting();
    let app = state.app.for_request(request.clone());
    let body = written(waiting, move |to| {
        let mut file = Writing::new::<T>(export, to)?;
        let mut page = first;
        loop {
            file.add(&page.items)?;
            let Some(next) = query.paging.following(&page).map_err(other)? else { break };
            // A workbook is sent at its end only and would not notice.
            if request.is_given_up() {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            query.paging = next;
            page = work(&app, &query).map_err(other)?;
        }
        file.finish()
    });
    let mut answer = HttpResponse::Ok();
    if export.format == ExportFormat::Xlsx {
        // It is compressed already.
        answer.insert_header((CONTENT_ENCODING, "identity"));
    }
    let media_type = match export.format {
        ExportFormat::Csv => CSV,
        other => other.media_type(),
    };
    let file = format!("attachment; filename=\"{name}.{}\"", export.format.extension());
    Ok(answer
        .insert_header((CONTENT_TYPE, media_type))
        .insert_header((CONTENT_DISPOSITION, file))
        .insert_header((CACHE_CONTROL, "private, no-store"))
        .streaming(body))
}

fn other(error: Error) -> io::Error {
    io::Error::other(error)
}

/// A file under way.
enum Writing<'a> {
    Lines(&'a mut ToClient),
    Csv { export: Export, columns: Vec<Column>, writer: Box<csv::Writer<&'a mut ToClient>> },
    Xlsx { export: Export, columns: Vec<Column>, book: Box<Book>, to: &'a mut ToClient },
}

impl<'a> Writing<'a> {
    fn new<T: ToSchema>(export: Export, to: &'a mut ToClient) -> io::Result<Self> {
        let columns = column::of::<T>();
        match export.format {
            ExportFormat::Jsonl => Ok(Self::Lines(to)),
            ExportFormat::Csv => {
                let mut writer = csv_writer(export.form, export.bom, to).map_err(other)?;
                writer.write_record(columns.iter().map(|column| &column.name))?;
                Ok(Self::Csv { export, columns, writer: Box::new(writer) })
            }
            ExportFormat::Xlsx => {
                let book = Box::new(Book::new(&columns).map_err(io::Error::other)?);
                Ok(Self::Xlsx { export, columns, book, to })
            }
        }
    }

    fn add<T: Serialize>(&mut self, items: &[T]) -> io::Result<()> {
        for item in items {
            match self {
                Self::Lines(to) => {
                    serde_json::to_writer(&mut **to, item)?;
                    to.write_all(b"\n")?;
                }
                Self::Csv { export, columns, writer } => {
                    let item = serde_json::to_value(item)?;
                    let fields = columns.iter().map(|column| field(*export, column, &item));
                    writer.write_record(fields)?;
                }
                Self::Xlsx { export, columns, book, .. } => {
                    let item = serde_json::to_value(item)?;
                    book.add(columns, &item, export.lossless).map_err(io::Error::other)?;
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Lines(to) => to.flush(),
            Self::Csv { mut writer, .. } => writer.flush(),
            Self::Xlsx { book, to, .. } => {
                // What a workbook contains is listed at its end, and where that is at its beginning.
                let mut file = book.saved().map_err(io::Error::other)?;
                io::copy(&mut file, to)?;
                to.flush()
            }
        }
    }
}

/// A value as a field of CSV.
fn field(export: Export, column: &Column, item: &Value) -> String {
    let value = column.value(item);
    if export.lossless { column::exact(value) } else { column.readable(value, export.form) }
}
