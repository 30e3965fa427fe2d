//! The fields that columns of a file can be imported into, what such columns are called, and how a cell becomes a
//! value. Fields are named by their path in the command (`address.city`), which own exports name them by too.

use std::sync::LazyLock;

use chrono::{NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::file::Cell;
use super::named::Named;
use super::{DateForm, ImportTarget, NumberForm};
use crate::code::Code;
use crate::code_list;
use crate::name::fold;

/// What is in the cells of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    Id,
    Ids,
    Text,
    /// A code of a set, or its label in German or English.
    Code,
    Number,
    Integer,
    Boolean,
    Date,
    Time,
    Country,
    Countries,
    /// A district by id, key or name.
    District,
    Districts,
    /// A site of the own carrier by id or name.
    Site,
    Sites,
    /// A colleague by e-mail address, name or id.
    User,
    Users,
    /// A topic by code or label.
    Topic,
    Topics,
    /// Digits of the `KldB` 2010, and how many workers are sought: `26302: 2`.
    Occupation,
    Occupations,
    /// For what personal data is used, and on which legal basis.
    Purpose,
    Purposes,
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
            let headers = line.headers.split('|').map(fold).filter(|it| !it.is_empty()).collect();
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
        let value = match self.kind.items() {
            Some(kind) => list(kind, text, named)?,
            None => self.single(text, forms, named)?,
        };
        Ok(Some(value))
    }

    fn single(&self, text: &str, forms: Forms, named: &Named) -> Result<Value, Fault> {
        let value = match self.kind {
            FieldKind::Code => self.code(text).map(|code| json!(code)),
            FieldKind::Number => number(text, forms.number).map(|number| json!(number)),
            FieldKind::Integer => {
                number(text, forms.number).and_then(whole).map(|number| json!(number))
            }
            FieldKind::Boolean => boolean(text).map(|truth| json!(truth)),
            FieldKind::Date => date(text, forms.date).map(|date| json!(date)),
            FieldKind::Time => time(text).map(|time| json!(time)),
            kind => item(kind, text, named),
        };
        value.ok_or_else(|| self.kind.fault(&self.set))
    }

    fn code(&self, text: &str) -> Option<String> {
        code_of(&self.set, text)
    }
}

fn code_of(set: &str, text: &str) -> Option<String> {
    let folded = fold(text);
    code_list::codes_of(set).iter().find_map(|label| {
        let names = [&label.code, &label.label_de, &label.label_en];
        names.iter().any(|name| fold(name) == folded).then_some(label.code.clone())
    })
}

/// A value that is the same in a cell of its own and in a list.
fn item(kind: FieldKind, text: &str, named: &Named) -> Option<Value> {
    match kind {
        FieldKind::Text => Some(json!(text)),
        FieldKind::Id => text.parse::<Uuid>().ok().map(|id| json!(id)),
        FieldKind::Country => country(text).map(|code| json!(code)),
        FieldKind::District => named.district(text).map(|id| json!(id)),
        FieldKind::Site => named.site(text).map(|id| json!(id)),
        FieldKind::User => named.user(text).map(|id| json!(id)),
        FieldKind::Topic => named.topic(text).map(|code| json!(code)),
        // `26302` or, with the workers sought, `26302: 2`.
        FieldKind::Occupation => {
            let (code, workers) = match text.split_once(':') {
                Some((code, workers)) => (code, Some(workers.trim().parse::<i32>().ok()?)),
                None => (text, None),
            };
            Some(json!({"code": code.trim(), "workers": workers}))
        }
        // `Newsletter: Einwilligung`, by code or label.
        FieldKind::Purpose => {
            let (purpose, basis) = text.split_once(':')?;
            let purpose = code_of("purpose", purpose)?;
            Some(json!({"purpose": purpose, "legal_basis": code_of("legal_basis", basis)?}))
        }
        _ => None,
    }
}

/// Several in one cell, between semicolons, strokes, line breaks or, where the whole is nothing by itself, commas;
/// or as JSON, which own exports have.
fn list(kind: FieldKind, text: &str, named: &Named) -> Result<Value, Fault> {
    if text.starts_with('[') {
        let items: Vec<Value> = serde_json::from_str(text).map_err(|_| kind.fault(""))?;
        let items = items.iter().map(|value| of_json(kind, value, named));
        return items.collect::<Option<Vec<_>>>().map(Value::Array).ok_or_else(|| kind.fault(""));
    }
    let parts = text.split([';', '|', '\n']).map(str::trim).filter(|part| !part.is_empty());
    let mut items = Vec::new();
    for part in parts {
        if let Some(one) = item(kind, part, named) {
            items.push(one);
            continue;
        }
        for smaller in part.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            // What stands there is in the cells of the row, which are not kept as long as its errors.
            items.push(item(kind, smaller, named).ok_or_else(|| kind.fault(""))?);
        }
    }
    Ok(Value::Array(items))
}

/// A record within a record has its id or code, and what an export tells besides.
fn of_json(kind: FieldKind, value: &Value, named: &Named) -> Option<Value> {
    let parts = |names: [&str; 2]| {
        let object = value.as_object()?;
        Some(json!({
            names[0]: object.get(names[0])?,
            names[1]: object.get(names[1]).cloned().unwrap_or_default(),
        }))
    };
    match kind {
        FieldKind::Occupation => parts(["code", "workers"]),
        FieldKind::Purpose => parts(["purpose", "legal_basis"]),
        _ => {
            let known = value.get("id").or_else(|| value.get("code")).unwrap_or(value);
            item(kind, known.as_str()?, named)
        }
    }
}

impl FieldKind {
    /// Of what the items of a list are.
    fn items(self) -> Option<Self> {
        match self {
            Self::Ids => Some(Self::Id),
            Self::Countries => Some(Self::Country),
            Self::Districts => Some(Self::District),
            Self::Sites => Some(Self::Site),
            Self::Users => Some(Self::User),
            Self::Topics => Some(Self::Topic),
            Self::Occupations => Some(Self::Occupation),
            Self::Purposes => Some(Self::Purpose),
            _ => None,
        }
    }

    /// What is wrong with a value that is none of the kind.
    fn fault(self, set: &str) -> Fault {
        let (code, message) = match self {
            Self::Id | Self::Ids => ("not_an_id", "must be a UUID"),
            Self::Code => {
                let message = format!("must be a code or label of {set}, see /api/v1/code-lists");
                return ("unknown_code", message);
            }
            Self::Number => ("not_a_number", "must be a number in the form of the file"),
            Self::Integer => ("not_an_integer", "must be a whole number in the form of the file"),
            Self::Boolean => ("not_a_boolean", "must be yes or no, or ja or nein"),
            Self::Date => ("not_a_date", "must be a date in the form of the file"),
            Self::Time => ("not_a_time", "must be a time of day such as 9:30"),
            Self::Country | Self::Countries => {
                ("not_a_country", "must be a country, by name or code")
            }
            Self::District | Self::Districts => {
                ("unknown_district", "must be the name, key or id of a district")
            }
            Self::Site | Self::Sites => {
                ("unknown_site", "must be the name or id of a site of your carrier")
            }
            Self::User | Self::Users => (
                "unknown_user",
                "must be a colleague of your carrier by e-mail address, by id, or by a name that only \
                 one has",
            ),
            Self::Topic | Self::Topics => ("unknown_topic", "must be the code or label of a topic"),
            Self::Occupation | Self::Occupations => (
                "not_an_occupation",
                "must be digits of the KldB 2010, with a colon before the workers sought",
            ),
            Self::Purpose | Self::Purposes => (
                "not_a_purpose",
                "must be a purpose, a colon and its legal basis, each by code or label",
            ),
            Self::Text => ("not_a_text", "must be text"),
        };
        (code, message.to_owned())
    }
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

/// `9:30` or `09:30:00`.
fn time(text: &str) -> Option<NaiveTime> {
    let time = NaiveTime::parse_from_str(text, "%H:%M:%S");
    time.or_else(|_| NaiveTime::parse_from_str(text, "%H:%M")).ok()
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
    use std::collections::HashMap;

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
    fn no_two_fields_of_a_target_share_a_header() {
        for target in ImportTarget::all() {
            let mut seen = HashMap::new();
            for field in fields(target) {
                for header in &field.headers {
                    let other = seen.insert(header, &field.path);
                    assert!(other.is_none(), "{target:?} {header} {other:?}");
                }
                let is_code = field.kind == FieldKind::Code;
                assert_eq!(is_code, !code_list::codes_of(&field.set).is_empty(), "{}", field.path);
            }
            assert!(!seen.is_empty(), "{target:?}");
        }
    }

    fn named() -> Named {
        let mut named = Named::default();
        named.add_user(Uuid::from_u128(1), "Anna Beraterin", "anna@vsb.example");
        named.add_user(Uuid::from_u128(2), "Max Muster", "max@vsb.example");
        named.add_user(Uuid::from_u128(3), "Max Muster", "max.muster@vsb.example");
        named.add_topic("blue_card", ["Blaue Karte EU", "EU Blue Card"]);
        named.add_topic("fast_track", ["Beschleunigtes Verfahren, § 81a", "Fast track"]);
        named
    }

    fn value(path: &str, text: &str) -> Result<Value, &'static str> {
        let field = field(ImportTarget::Consultations, path).unwrap();
        let cell = Cell { text: text.to_owned(), typed: false };
        let forms = Forms { date: None, number: None };
        field.value(&cell, forms, &named()).map(Option::unwrap).map_err(|(code, _)| code)
    }

    #[test]
    fn a_cell_holds_several_by_their_names() {
        let both = json!(["blue_card", "fast_track"]);
        for text in [
            "blue_card; fast_track",
            "Blaue Karte EU | Beschleunigtes Verfahren, § 81a",
            "EU Blue Card, Fast track",
            "[{\"code\": \"blue_card\", \"label_de\": \"?\"}, \"fast_track\"]",
        ] {
            assert_eq!(value("topics", text), Ok(both.clone()), "{text}");
        }
        assert_eq!(value("topics", "blue_card; bluecard"), Err("unknown_topic"));
        assert_eq!(value("topics", "[7]"), Err("unknown_topic"));
        let anna = json!([Uuid::from_u128(1)]);
        assert_eq!(value("adviser_ids", "Anna Beraterin"), Ok(anna.clone()));
        assert_eq!(value("adviser_ids", "ANNA@vsb.example"), Ok(anna));
        // Two have this name.
        assert_eq!(value("adviser_ids", "Max Muster"), Err("unknown_user"));
        assert_eq!(value("occupations", "26302: 2"), Ok(json!([{"code": "26302", "workers": 2}])));
        assert_eq!(value("starts_at", "9:30"), Ok(json!("09:30:00")));
        assert_eq!(value("starts_at", "25:00"), Err("not_a_time"));
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
