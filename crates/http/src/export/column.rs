//! The columns of a list: the fields of its items as the OpenAPI document describes them, those of records within
//! them too (`company.name`). A field that is added to a record has its column by that.

use std::borrow::Cow;
use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use lotse_domain::time::local;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::{KnownFormat, Schema, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{Object, RefOr};

use crate::sheet::{CsvForm, plain};

/// Records in records in records; what is deeper is JSON in one column.
const DEEPEST: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Date,
    Instant,
    /// Whatever JSON has there: numbers, truth values, lists.
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub name: String,
    pub kind: Kind,
}

type Known = HashMap<String, RefOr<Schema>>;

/// Those of a type, in the order of its fields.
pub(super) fn of<T: ToSchema>() -> Vec<Column> {
    let mut schemas = Vec::new();
    T::schemas(&mut schemas);
    let known: Known = schemas.into_iter().collect();
    let mut columns = Vec::new();
    collect(&T::schema(), &known, &mut Vec::new(), &mut columns);
    columns
}

fn collect(of: &RefOr<Schema>, known: &Known, path: &mut Vec<String>, columns: &mut Vec<Column>) {
    let schema = match of {
        RefOr::T(schema) => schema,
        RefOr::Ref(named) => {
            let name = named.ref_location.rsplit('/').next().unwrap_or_default();
            match known.get(name) {
                Some(schema) if path.len() <= DEEPEST => {
                    return collect(schema, known, path, columns);
                }
                _ => return add(path, Kind::Other, columns),
            }
        }
    };
    match schema {
        Schema::Object(object) if object.properties.is_empty() => {
            if !path.is_empty() {
                add(path, kind(object), columns);
            }
        }
        Schema::Object(object) if path.len() < DEEPEST => {
            for (name, property) in &object.properties {
                path.push(name.clone());
                collect(property, known, path, columns);
                path.pop();
            }
        }
        Schema::AllOf(all) => {
            for part in &all.items {
                collect(part, known, path, columns);
            }
        }
        // A record or null, or records of several kinds.
        Schema::OneOf(one) => {
            for part in one.items.iter().filter(|part| !is_null(part)) {
                collect(part, known, path, columns);
            }
        }
        Schema::AnyOf(any) => {
            for part in any.items.iter().filter(|part| !is_null(part)) {
                collect(part, known, path, columns);
            }
        }
        _ => add(path, Kind::Other, columns),
    }
}

fn add(path: &[String], kind: Kind, columns: &mut Vec<Column>) {
    let name = path.join(".");
    // Records of several kinds have fields in common.
    if !columns.iter().any(|column| column.name == name) {
        columns.push(Column { name, kind });
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    let null = SchemaType::Type(Type::Null);
    matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == null)
}

fn kind(object: &Object) -> Kind {
    let is_text = match &object.schema_type {
        SchemaType::Type(of) => *of == Type::String,
        SchemaType::Array(several) => several.contains(&Type::String),
        SchemaType::AnyValue => false,
    };
    match &object.format {
        Some(SchemaFormat::KnownFormat(KnownFormat::Date)) => Kind::Date,
        Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)) => Kind::Instant,
        _ if is_text => Kind::Text,
        _ => Kind::Other,
    }
}

impl Column {
    /// Null where an item has no such field.
    pub fn value<'a>(&self, item: &'a Value) -> &'a Value {
        let mut value = item;
        for name in self.name.split('.') {
            value = value.get(name).unwrap_or(&Value::Null);
        }
        value
    }

    pub fn date(&self, value: &Value) -> Option<NaiveDate> {
        value.as_str().filter(|_| self.kind == Kind::Date)?.parse().ok()
    }

    pub fn instant(&self, value: &Value) -> Option<DateTime<Utc>> {
        value.as_str().filter(|_| self.kind == Kind::Instant)?.parse().ok()
    }

    /// As a field of CSV that people read.
    pub fn readable(&self, value: &Value, form: CsvForm) -> String {
        let german = form == CsvForm::German;
        if let Some(date) = self.date(value) {
            return date.format(if german { "%d.%m.%Y" } else { "%Y-%m-%d" }).to_string();
        }
        if let Some(instant) = self.instant(value) {
            let form = if german { "%d.%m.%Y %H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" };
            return local(instant).format(form).to_string();
        }
        match value {
            Value::Number(number) if german => number.to_string().replace('.', ","),
            Value::Number(number) => number.to_string(),
            other => plain(&shown(other)),
        }
    }
}

/// As JSON has it; text without its quotes.
pub(super) fn exact(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Text as it is, lists by what their items are called.
pub(super) fn shown(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => "".into(),
        Value::String(text) => text.into(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join("; ").into(),
        Value::Object(fields) => {
            let name = ["name", "label_de", "title_de", "title", "code"];
            match name.iter().find_map(|name| fields.get(*name)?.as_str()) {
                Some(name) => name.into(),
                None => value.to_string().into(),
            }
        }
        other => other.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use lotse_domain::company::Company;
    use lotse_domain::consultation::Consultation;
    use lotse_domain::timeline::TimelineEntry;
    use serde_json::json;

    use super::*;

    fn names<T: ToSchema>() -> Vec<String> {
        of::<T>().into_iter().map(|column| column.name).collect()
    }

    #[test]
    fn columns_are_the_fields_in_their_order() {
        let company = names::<Company>();
        assert_eq!(company[0], "id");
        let consultation = names::<Consultation>();
        for name in ["held_on", "site.name", "organisation.name", "advisers", "created_at"] {
            assert!(consultation.iter().any(|column| column == name), "{name}: {consultation:?}");
        }
        let kinds = of::<Consultation>();
        let kind = |name: &str| kinds.iter().find(|column| column.name == name).unwrap().kind;
        assert_eq!(kind("held_on"), Kind::Date);
        assert_eq!(kind("created_at"), Kind::Instant);
        assert_eq!(kind("site.name"), Kind::Text);
        assert_eq!(kind("minutes"), Kind::Other);
    }

    #[test]
    fn records_of_several_kinds_have_the_columns_of_all() {
        let entry = names::<TimelineEntry>();
        let mut once = entry.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), entry.len());
        assert!(entry.len() > 3, "{entry:?}");
    }

    #[test]
    fn values_are_written_for_people_or_as_they_are() {
        let column = |name: &str, kind| Column { name: name.to_owned(), kind };
        let item = json!({
            "name": "=1+1", "on": "2026-12-31", "at": "2026-12-31T23:30:00Z", "rate": 1.5,
            "site": {"name": "Kassel"}, "none": null,
            "topics": [{"code": "visa", "label_de": "Visum"}, {"code": "x"}], "tags": ["a", "b"]
        });
        let readable = |name: &str, kind, form| {
            let column = column(name, kind);
            column.readable(column.value(&item), form)
        };
        let (german, international) = (CsvForm::German, CsvForm::International);
        assert_eq!(readable("name", Kind::Text, german), "'=1+1");
        assert_eq!(readable("on", Kind::Date, german), "31.12.2026");
        assert_eq!(readable("on", Kind::Date, international), "2026-12-31");
        assert_eq!(readable("at", Kind::Instant, german), "01.01.2027 00:30:00");
        assert_eq!(readable("rate", Kind::Other, german), "1,5");
        assert_eq!(readable("site.name", Kind::Text, german), "Kassel");
        assert_eq!(readable("site.town", Kind::Text, german), "");
        assert_eq!(readable("none", Kind::Text, german), "");
        assert_eq!(readable("topics", Kind::Other, german), "Visum; x");
        assert_eq!(readable("tags", Kind::Other, german), "a; b");
        assert_eq!(exact(&item["name"]), "=1+1");
        assert_eq!(exact(&item["tags"]), "[\"a\",\"b\"]");
        assert_eq!(exact(&item["none"]), "");
    }
}
