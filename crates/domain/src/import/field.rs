//! The fields that columns of a file can be imported into, what such columns are called, and how a cell becomes a
//! value. Fields are named by their path in the command (`address.city`), which own exports name them by too.

use std::collections::HashMap;
use std::sync::LazyLock;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::file::Cell;
use super::{DateForm, ImportTarget, NumberForm};
use crate::code::Code;
use crate::code_list;
use crate::district::District;
use crate::entity::Reference;
use crate::id::DistrictId;
use crate::name::fold;

/// What is in the cells of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    Id,
    Text,
    /// A code of a set, or its label in German or English.
    Code,
    Number,
    Integer,
    Boolean,
    Date,
    Country,
    /// A district by id, key or name.
    District,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub path: String,
    pub kind: FieldKind,
    /// The set of a code.
    set: String,
    headers: Vec<String>,
}

/// A field, for forms in which columns are assigned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportField {
    pub target: ImportTarget,
    /// Its path in the command.
    #[schema(example = "address.city")]
    pub field: String,
    pub kind: FieldKind,
    /// The set of codes, where it has one.
    #[schema(required)]
    pub code_list: Option<String>,
    /// Headers that are taken for it, whatever their case, umlauts and punctuation.
    pub headers: Vec<String>,
}

/// All of them, in the order of a form.
#[must_use]
pub fn import_fields() -> Vec<ImportField> {
    let of = |target: ImportTarget| {
        fields(target).map(move |field| ImportField {
            target,
            field: field.path.clone(),
            kind: field.kind,
            code_list: (!field.set.is_empty()).then(|| field.set.clone()),
            headers: field.headers.clone(),
        })
    };
    ImportTarget::all().into_iter().flat_map(of).collect()
}

#[derive(Deserialize)]
struct Line {
    target: String,
    field: String,
    kind: FieldKind,
    set: String,
    headers: String,
}

static FIELDS: LazyLock<Vec<(String, Field)>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("../../data/import_fields.csv").as_bytes())
        .into_deserialize()
        .map(|line| {
            let line: Line = line
                .expect("the fields shipped with the program are well-formed; a test reads them");
            let headers = line.headers.split('|').map(fold).collect();
            let field = Field { path: line.field, kind: line.kind, set: line.set, headers };
            (line.target, field)
        })
        .collect()
});

/// Those of a kind of record, in the order of a form.
pub fn fields(target: ImportTarget) -> impl Iterator<Item = &'static Field> {
    FIELDS.iter().filter(move |(of, _)| of == target.code()).map(|(_, field)| field)
}

#[must_use]
pub fn field(target: ImportTarget, path: &str) -> Option<&'static Field> {
    fields(target).find(|field| field.path == path)
}

/// The field that a header means, if it is one of the names that are known for it. An own export names fields of
/// records within the record: `district.id` is `district_id` of the command.
#[must_use]
pub fn of_header(target: ImportTarget, header: &str) -> Option<&'static Field> {
    let path = header.trim();
    let command = path.strip_suffix(".id").map(|record| format!("{record}_id"));
    if let Some(exact) = field(target, path).or_else(|| field(target, command.as_deref()?)) {
        return Some(exact);
    }
    // The name of a record within the record follows from its id. `USt-IdNr.` is no path.
    let is_word =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if path.contains('.') && path.split('.').all(is_word) {
        return None;
    }
    let folded = fold(path);
    fields(target).find(|field| field.headers.contains(&folded))
}

/// What cells name, as the database has it.
#[derive(Debug, Default)]
pub struct Named {
    districts: HashMap<String, Uuid>,
    references: HashMap<DistrictId, Reference>,
}

impl Named {
    #[must_use]
    pub fn new(districts: &[District]) -> Self {
        let mut by_name = HashMap::new();
        let mut references = HashMap::new();
        for district in districts {
            by_name.insert(district.id.0.to_string(), district.id.0);
            by_name.insert(fold(&district.key), district.id.0);
            by_name.insert(fold(&district.name), district.id.0);
            references.insert(district.id, Reference::new(district.id, &district.name));
        }
        Self { districts: by_name, references }
    }

    #[must_use]
    pub fn district(&self, id: DistrictId) -> Option<Reference> {
        self.references.get(&id).cloned()
    }
}

/// How dates and numbers are written in a file.
#[derive(Clone, Copy, Debug)]
pub struct Forms {
    pub date: Option<DateForm>,
    pub number: Option<NumberForm>,
}

/// What is wrong with a cell: code and message.
pub type Fault = (&'static str, String);

impl Field {
    /// The value of a cell; none when it is empty, which leaves what is there.
    ///
    /// # Errors
    /// When it is not of the kind.
    pub fn value(&self, cell: &Cell, forms: Forms, named: &Named) -> Result<Option<Value>, Fault> {
        let text = cell.text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        // A spreadsheet says itself what is a number or a date.
        let forms = if cell.typed {
            Forms { date: Some(DateForm::Iso), number: Some(NumberForm::English) }
        } else {
            forms
        };
        let fault = |code, message: &str| Err((code, message.to_owned()));
        let value = match self.kind {
            FieldKind::Text => json!(text),
            FieldKind::Id => match text.parse::<Uuid>() {
                Ok(id) => json!(id),
                Err(_) => return fault("not_an_id", "must be a UUID"),
            },
            FieldKind::Code => match self.code(text) {
                Some(code) => json!(code),
                None => {
                    return Err((
                        "unknown_code",
                        format!("must be a code or label of {}, see /api/v1/code-lists", self.set),
                    ));
                }
            },
            FieldKind::Number => match number(text, forms.number) {
                Some(number) => json!(number),
                None => return fault("not_a_number", "must be a number in the form of the file"),
            },
            FieldKind::Integer => match number(text, forms.number).and_then(whole) {
                Some(number) => json!(number),
                None => {
                    return fault(
                        "not_an_integer",
                        "must be a whole number in the form of the file",
                    );
                }
            },
            FieldKind::Boolean => match boolean(text) {
                Some(boolean) => json!(boolean),
                None => return fault("not_a_boolean", "must be yes or no, or ja or nein"),
            },
            FieldKind::Date => match date(text, forms.date) {
                Some(date) => json!(date),
                None => return fault("not_a_date", "must be a date in the form of the file"),
            },
            FieldKind::Country => match country(text) {
                Some(code) => json!(code),
                None => return fault("not_a_country", "must be a country, by name or code"),
            },
            FieldKind::District => {
                let by_id = self_or_folded(&named.districts, text);
                match by_id {
                    Some(id) => json!(id),
                    None => {
                        return fault(
                            "unknown_district",
                            "must be the name, key or id of a district",
                        );
                    }
                }
            }
        };
        Ok(Some(value))
    }

    fn code(&self, text: &str) -> Option<String> {
        let folded = fold(text);
        code_list::codes_of(&self.set).iter().find_map(|label| {
            let names = [&label.code, &label.label_de, &label.label_en];
            names.iter().any(|name| fold(name) == folded).then_some(label.code.clone())
        })
    }
}

fn self_or_folded(known: &HashMap<String, Uuid>, text: &str) -> Option<Uuid> {
    known.get(&text.to_lowercase()).or_else(|| known.get(&fold(text))).copied()
}

/// `Deutschland`, `Germany` or `DE`.
fn country(text: &str) -> Option<String> {
    let folded = fold(text);
    crate::country::all().iter().find_map(|country| {
        let names = [&country.code, &country.label_de, &country.label_en];
        names.iter().any(|name| fold(name) == folded).then(|| country.code.clone())
    })
}

fn boolean(text: &str) -> Option<bool> {
    match fold(text).as_str() {
        "ja" | "j" | "yes" | "y" | "true" | "wahr" | "x" | "1" => Some(true),
        "nein" | "n" | "no" | "false" | "falsch" | "0" => Some(false),
        _ => None,
    }
}

/// None when it is not a number of this form. Digits alone are the same number in every form; otherwise one is
/// needed, since `1.234` is two numbers.
pub(super) fn number(text: &str, form: Option<NumberForm>) -> Option<f64> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok();
    }
    let (point, group) = match form? {
        NumberForm::German => (',', '.'),
        NumberForm::English => ('.', ','),
    };
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = match unsigned.split_once(point) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (unsigned, None),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let grouped = if whole.contains(group) {
        whole.split(group).enumerate().all(|(index, part)| {
            digits(part) && if index == 0 { part.len() <= 3 } else { part.len() == 3 }
        })
    } else {
        digits(whole)
    };
    if !grouped || !fraction.is_none_or(digits) {
        return None;
    }
    let mut plain = String::with_capacity(text.len());
    if unsigned.len() < text.len() {
        plain.push('-');
    }
    plain.extend(whole.chars().filter(char::is_ascii_digit));
    if let Some(fraction) = fraction {
        plain.push('.');
        plain.push_str(fraction);
    }
    plain.parse().ok()
}

fn whole(number: f64) -> Option<i64> {
    // Up to here every whole number is one of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() != 0.0 || number.abs() > EXACT {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
    Some(number as i64)
}

/// None when it is no date of this form.
pub(super) fn date(text: &str, form: Option<DateForm>) -> Option<NaiveDate> {
    let pattern = match form? {
        DateForm::Iso => "%Y-%m-%d",
        DateForm::German => "%d.%m.%Y",
        DateForm::British => "%d/%m/%Y",
        DateForm::American => "%m/%d/%Y",
    };
    // A year of two digits is not guessed.
    NaiveDate::parse_from_str(text, pattern).ok().filter(|date| {
        use chrono::Datelike;
        (1900..=2200).contains(&date.year())
    })
}

/// Puts a value at its path: `address.city` into `{"address": {"city": …}}`.
pub fn put(record: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            record.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let within = record.entry(first).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(within) = within {
                put(within, rest, value);
            }
        }
    }
}

/// The field that a violation is about: `/address/city` is `address.city`.
#[must_use]
pub fn path_of(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_known_by_what_people_call_them_and_by_their_path() {
        let of = |header| of_header(ImportTarget::Companies, header).map(|f| f.path.as_str());
        for (header, path) in [
            ("Firma", "name"),
            (" FIRMENNAME ", "name"),
            ("PLZ", "address.postcode"),
            ("Straße", "address.street"),
            ("Strasse", "address.street"),
            ("USt-IdNr.", "vat_id"),
            ("address.city", "address.city"),
            ("district.id", "district_id"),
            ("size.staff", "size.staff"),
        ] {
            assert_eq!(of(header), Some(path), "{header}");
        }
        assert_eq!(of("district.name"), None);
        assert_eq!(of("Bemerkung"), None);
    }

    #[test]
    fn no_two_fields_share_a_header() {
        let mut seen = HashMap::new();
        for field in fields(ImportTarget::Companies) {
            for header in &field.headers {
                assert!(seen.insert(header, &field.path).is_none(), "{header}");
            }
            let is_code = field.kind == FieldKind::Code;
            assert_eq!(is_code, !code_list::codes_of(&field.set).is_empty(), "{}", field.path);
        }
    }

    #[test]
    fn a_number_is_of_one_form() {
        for (text, form, value) in [
            ("1234.5", NumberForm::English, Some(1234.5)),
            ("1.234,5", NumberForm::German, Some(1234.5)),
            ("1.234", NumberForm::German, Some(1234.0)),
            ("1.234", NumberForm::English, Some(1.234)),
            ("1,234.5", NumberForm::English, Some(1234.5)),
            ("-3", NumberForm::German, Some(-3.0)),
            ("1.23", NumberForm::German, None),
            ("1,2,3", NumberForm::English, None),
            ("12 ca.", NumberForm::German, None),
            ("1e9", NumberForm::English, None),
            ("NaN", NumberForm::English, None),
        ] {
            assert_eq!(number(text, Some(form)), value, "{text} {form:?}");
        }
        assert_eq!(number("1234", None), Some(1234.0));
        assert_eq!(number("1.234", None), None);
    }

    #[test]
    fn a_date_is_of_one_form_and_has_a_whole_year() {
        let day = NaiveDate::from_ymd_opt(2026, 3, 4);
        assert_eq!(date("2026-03-04", Some(DateForm::Iso)), day);
        assert_eq!(date("4.3.2026", Some(DateForm::German)), day);
        assert_eq!(date("04/03/2026", Some(DateForm::British)), day);
        assert_eq!(date("03/04/2026", Some(DateForm::American)), day);
        assert_eq!(date("04.03.26", Some(DateForm::German)), None);
        assert_eq!(date("31.02.2026", Some(DateForm::German)), None);
    }

    #[test]
    fn codes_are_known_by_their_labels() {
        let field = field(ImportTarget::Companies, "legal_form").unwrap();
        for text in ["gmbh", "GmbH", "Limited liability company (GmbH)"] {
            assert_eq!(field.code(text).as_deref(), Some("gmbh"), "{text}");
        }
        assert_eq!(field.code("Firma"), None);
    }
}
