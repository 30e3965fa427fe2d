//! What a file means and what is to become of it, as it shows itself and as a person says.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::field::{self, FieldKind};
use super::{ImportFormat, ImportTarget, RowError};
use crate::attachment::ContentHash;
use crate::check::Checks;
use crate::code::codes;
use crate::error::{Error, Result, Violation};

codes! {
    "text_encoding" TextEncoding { Utf8, Utf8Bom, Windows1252, Utf16Le, Utf16Be }
}

codes! {
    "delimiter" Delimiter { Semicolon, Comma, Tab, Pipe }
}

codes! {
    "date_form" DateForm { Iso, German, British, American }
}

codes! {
    "number_form" NumberForm { German, English }
}

codes! {
    /// By what a row is known to mean a record that is there.
    "match_rule" MatchRule {
        Id, RegisterNumber, VatId, NameAndTown,
        /// Of a contact of the organisation.
        Name,
        /// Of a contact of the organisation.
        Email,
        /// Of an event: its title and its first day.
        TitleAndDay,
        /// Of a consultation: its organisation, its day and who led it.
        AdviserAndDay,
    }
}

impl MatchRule {
    /// Those that there are for a kind of record.
    #[must_use]
    pub fn of(target: ImportTarget) -> &'static [Self] {
        match target {
            ImportTarget::Companies => {
                &[Self::Id, Self::RegisterNumber, Self::VatId, Self::NameAndTown]
            }
            ImportTarget::Actors => &[Self::Id, Self::NameAndTown],
            ImportTarget::Contacts => &[Self::Id, Self::Email, Self::Name],
            ImportTarget::Consultations => &[Self::Id, Self::AdviserAndDay],
            ImportTarget::Events => &[Self::Id, Self::TitleAndDay],
        }
    }

    /// Those that are proposed. An adviser may well talk to a company twice on one day.
    fn proposed(target: ImportTarget) -> Vec<Self> {
        let sure = |rule: &&Self| **rule != Self::AdviserAndDay;
        Self::of(target).iter().filter(sure).copied().collect()
    }
}

codes! {
    /// What becomes of a row whose record is there.
    "on_match" OnMatch { Update, Skip, Create }
}

codes! {
    /// What becomes of a row whose record is not there.
    "on_new" OnNew { Create, Skip }
}

/// How the file is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FileForm {
    /// Of CSV.
    pub encoding: Option<TextEncoding>,
    /// Of CSV.
    pub delimiter: Option<Delimiter>,
    /// Of a workbook.
    #[schema(max_length = 100)]
    pub sheet: Option<String>,
    /// Needed where dates are imported.
    pub date_form: Option<DateForm>,
    /// Needed where numbers with points or commas are imported.
    pub number_form: Option<NumberForm>,
}

impl FileForm {
    /// Whether it says enough to find the cells.
    #[must_use]
    pub fn is_readable(&self, format: ImportFormat) -> bool {
        match format {
            ImportFormat::Csv => self.encoding.is_some() && self.delimiter.is_some(),
            ImportFormat::Xlsx => self.sheet.is_some(),
        }
    }
}

/// A column of the file, with what stands in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Column {
    #[schema(example = "Firma")]
    pub header: String,
    #[schema(example = json!(["Musterwerk GmbH"]))]
    pub samples: Vec<String>,
}

/// What the file shows of itself. Null is what it leaves open, for a person to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Detected {
    pub form: FileForm,
    /// Of a workbook.
    pub sheets: Vec<String>,
    /// Empty until it is known how to read the file.
    pub columns: Vec<Column>,
}

impl Detected {
    #[must_use]
    pub fn without_samples(&self) -> Self {
        let mut detected = self.clone();
        detected.columns.iter_mut().for_each(|column| column.samples.clear());
        detected
    }
}

/// A column and the field that it is imported into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MappedColumn {
    #[schema(example = "Firma")]
    pub header: String,
    /// By its path in the command, such as `address.city`.
    #[schema(example = "name")]
    pub field: String,
}

/// The value of a field that no column fills, the same in every row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FixedValue {
    #[schema(example = "industry.classification")]
    pub field: String,
    /// As it would stand in a cell.
    #[schema(min_length = 1, max_length = 200, example = "WZ 2008")]
    pub value: String,
}

/// What the file means and what is to become of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "form": {"encoding": "utf8", "delimiter": "semicolon", "number_form": "german"},
    "columns": [{"header": "Firma", "field": "name"}, {"header": "Ort", "field": "address.city"}],
    "match_by": ["register_number", "name_and_town"],
    "on_match": "update",
    "on_new": "create"
}))]
pub struct ImportSettings {
    pub form: FileForm,
    /// Columns that are not named are left out.
    pub columns: Vec<MappedColumn>,
    /// A part of something, such as a classification, only where a column tells another part of it.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub fixed: Vec<FixedValue>,
    /// The first rule by which a row means a record holds.
    pub match_by: Vec<MatchRule>,
    pub on_match: OnMatch,
    pub on_new: OnNew,
}

impl ImportSettings {
    /// What headers say of themselves, and the careful rules: what is there is known by its numbers or its name and
    /// town, and updated.
    #[must_use]
    pub fn proposed(target: ImportTarget, detected: &Detected) -> Self {
        let mut columns: Vec<MappedColumn> = Vec::new();
        for column in &detected.columns {
            if let Some(field) = field::of_header(target, &column.header)
                && !columns.iter().any(|mapped| mapped.field == field.path)
            {
                let header = column.header.clone();
                columns.push(MappedColumn { header, field: field.path.clone() });
            }
        }
        Self {
            form: detected.form.clone(),
            columns,
            fixed: Vec::new(),
            match_by: MatchRule::proposed(target),
            on_match: OnMatch::Update,
            on_new: OnNew::Create,
        }
    }

    /// As a profile has them, for a file that shows this: how it is written it shows best itself.
    #[must_use]
    pub fn for_file(&self, detected: &Detected) -> Self {
        let shown = &detected.form;
        let is_there = |sheet: &String| detected.sheets.contains(sheet);
        let form = FileForm {
            encoding: shown.encoding,
            delimiter: shown.delimiter.or(self.form.delimiter.filter(|_| shown.encoding.is_some())),
            sheet: shown.sheet.clone().or(self.form.sheet.clone().filter(is_there)),
            date_form: shown.date_form.or(self.form.date_form),
            number_form: shown.number_form.or(self.form.number_form),
        };
        Self { form, ..self.clone() }
    }

    /// Without the columns that the file does not have.
    pub(super) fn with_columns_of(self, detected: &Detected) -> Self {
        let is_there = |mapped: &MappedColumn| {
            detected.columns.iter().any(|column| column.header == mapped.header)
        };
        Self { columns: self.columns.into_iter().filter(is_there).collect(), ..self }
    }

    /// `detected` is what the file shows; none for the settings of no file in particular.
    ///
    /// # Errors
    /// `Invalid` with everything that is wrong.
    pub fn check(&self, target: ImportTarget, detected: Option<&Detected>) -> Result<()> {
        let mut checks = Checks::new();
        checks.require(
            !self.columns.is_empty(),
            "/columns",
            "too_few",
            "must name at least one column and its field",
        );
        for (index, column) in self.columns.iter().enumerate() {
            let before = &self.columns[..index];
            let pointer = |of: &str| format!("/columns/{index}/{of}");
            checks.require(
                detected.is_none_or(|detected| {
                    detected.columns.iter().any(|known| known.header == column.header)
                }),
                &pointer("header"),
                "unknown",
                "must be a header of the file",
            );
            checks.require(
                !before.iter().any(|other| other.header == column.header),
                &pointer("header"),
                "repeated",
                "must be named once",
            );
            checks.require(
                !before.iter().any(|other| other.field == column.field),
                &pointer("field"),
                "repeated",
                "must be filled from one column",
            );
            match field::field(target, &column.field) {
                None => checks.fail(
                    pointer("field"),
                    "unknown",
                    "must be a field that can be imported, see GET /api/v1/import-fields",
                ),
                Some(field) if field.kind == FieldKind::Date && detected.is_some() => checks
                    .require(
                        // Workbooks say themselves what is a date.
                        self.form.date_form.is_some() || self.form.sheet.is_some(),
                        "/form/date_form",
                        "missing",
                        "is required, since a date is imported",
                    ),
                Some(_) => {}
            }
        }
        for (index, fixed) in self.fixed.iter().enumerate() {
            let pointer = |of: &str| format!("/fixed/{index}/{of}");
            checks.require(
                field::field(target, &fixed.field).is_some(),
                &pointer("field"),
                "unknown",
                "must be a field that can be imported, see GET /api/v1/import-fields",
            );
            checks.require(
                !self.fixed[..index].iter().any(|other| other.field == fixed.field)
                    && !self.columns.iter().any(|column| column.field == fixed.field),
                &pointer("field"),
                "repeated",
                "must be filled once, and from no column",
            );
            checks.line(&pointer("value"), &fixed.value, 200);
        }
        for (index, rule) in self.match_by.iter().enumerate() {
            checks.require(
                !self.match_by[..index].contains(rule),
                &format!("/match_by/{index}"),
                "repeated",
                "must be named once",
            );
            checks.require(
                MatchRule::of(target).contains(rule),
                &format!("/match_by/{index}"),
                "of_another_target",
                "must be a rule that there is for the records that are imported",
            );
        }
        checks.finish()
    }

    /// SHA-256 of the content with what is to become of it: the same twice comes to nothing new.
    ///
    /// # Errors
    /// `Internal` when they cannot be written as JSON.
    pub fn fingerprint(&self, target: ImportTarget, sha256: ContentHash) -> Result<[u8; 32]> {
        let json =
            serde_json::to_vec(&(target, self)).map_err(|error| Error::Internal(error.into()))?;
        let mut hash = Sha256::new();
        hash.update(sha256.0);
        hash.update(json);
        Ok(hash.finalize().into())
    }

    /// The header of the column that a field comes from: the one of its path, or of the list or record that it is
    /// in. An organisation is named by several.
    fn header_of(&self, path: &str) -> Option<&str> {
        let of = |path: &str| {
            let named = |field: &str| {
                field == path || path == "organisation_id" && field.starts_with("organisation.")
            };
            self.columns.iter().find(|column| named(&column.field))
        };
        let mut path = path;
        loop {
            match (of(path), path.rsplit_once('.')) {
                (Some(column), _) => return Some(&column.header),
                (None, Some((above, _))) => path = above,
                (None, None) => return None,
            }
        }
    }

    /// What a rule of the domain finds wrong, as told of the columns of the file.
    #[must_use]
    pub fn row_errors(&self, violations: Vec<Violation>) -> Vec<RowError> {
        let of = |violation: Violation| {
            let path = field::path_of(&violation.pointer);
            let (column, message) = match self.header_of(&path) {
                Some(header) => (Some(header.to_owned()), violation.message),
                // A field that no column fills.
                None if path.is_empty() => (None, violation.message),
                None => (None, format!("{path}: {}", violation.message)),
            };
            RowError { column, code: violation.code, message }
        };
        violations.into_iter().map(of).collect()
    }
}
