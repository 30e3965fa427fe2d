use serde_json::{Map, Value, json};

use super::company::{MatchKey, Step, keys, keys_of, step};
use super::field::Named;
use super::layout::Layout;
use super::*;
use crate::code::Code;
use crate::company::Company;
use crate::id::CompanyId;

const FILE: &str = "Firma;PLZ;Ort;Rechtsform;Mitarbeiter;Bemerkung\n\
                    Müller Bau GmbH;60311;Frankfurt am Main;GmbH;42,5;alt\n\
                    Ohne Ort GmbH;6031;;Firma;viele;\n";

fn detected() -> Detected {
    file::detect(FILE.as_bytes(), ImportFormat::Csv).unwrap()
}

fn settings() -> ImportSettings {
    ImportSettings::proposed(ImportTarget::Companies, &detected())
}

fn read(line: usize) -> Result<Map<String, Value>, Vec<RowError>> {
    let settings = settings();
    let table = file::read(FILE.as_bytes(), ImportFormat::Csv, &settings.form).unwrap();
    let layout = Layout::new(ImportTarget::Companies, &settings, &table.header).unwrap();
    let rows: Vec<_> = table.rows.map(|row| row.unwrap()).collect();
    layout.read(&rows[line], &Named::default())
}

fn planned(values: Map<String, Value>, found: &[&Company], settings: &ImportSettings) -> Step {
    let id = CompanyId(Uuid::from_u128(7));
    step(settings, &Named::default(), values, found, id, DateTime::UNIX_EPOCH).unwrap()
}

fn company() -> Company {
    match planned(read(0).unwrap(), &[], &settings()) {
        Step::Create(company) => *company,
        other => panic!("{other:?}"),
    }
}

#[test]
fn headers_and_forms_are_proposed_as_the_file_shows_them() {
    let settings = settings();
    let fields: Vec<_> = settings.columns.iter().map(|column| column.field.as_str()).collect();
    assert_eq!(fields, ["name", "address.postcode", "address.city", "legal_form", "size.staff"]);
    assert_eq!(settings.form.number_form, Some(NumberForm::German));
    settings.check(ImportTarget::Companies, Some(&detected())).unwrap();
}

#[test]
fn settings_name_what_is_there_once() {
    let mut settings = settings();
    settings.columns.push(MappedColumn { header: "PLZ".into(), field: "name".into() });
    settings.columns.push(MappedColumn { header: "Fax".into(), field: "fax".into() });
    let Err(Error::Invalid(errors)) = settings.check(ImportTarget::Companies, Some(&detected()))
    else {
        panic!("was taken");
    };
    let told: Vec<_> = errors.iter().map(|e| (e.pointer.as_str(), e.code.as_str())).collect();
    assert_eq!(
        told,
        [
            ("/columns/5/header", "repeated"),
            ("/columns/5/field", "repeated"),
            ("/columns/6/header", "unknown"),
            ("/columns/6/field", "unknown"),
        ]
    );
}

#[test]
fn a_row_becomes_a_company_by_the_rules_of_companies() {
    let company = company();
    assert_eq!(company.name, "Müller Bau GmbH");
    assert_eq!(company.address.city.as_deref(), Some("Frankfurt am Main"));
    assert_eq!(company.size.and_then(|size| size.staff), Some(42.5));
}

#[test]
fn every_fault_of_a_row_is_told_with_its_column() {
    let errors = read(1).unwrap_err();
    let told: Vec<_> = errors.iter().map(|e| (e.column.as_deref(), e.code.as_str())).collect();
    assert_eq!(told, [(Some("Rechtsform"), "unknown_code"), (Some("Mitarbeiter"), "not_a_number")]);
    let short: Map<String, Value> =
        json!({"name": "A", "address": {"postcode": "6031"}}).as_object().unwrap().clone();
    let Step::Refuse(errors) = planned(short, &[], &settings()) else { panic!("was taken") };
    assert_eq!(errors[0].column.as_deref(), Some("PLZ"));
    assert_eq!(errors[0].code, "not_a_postcode");
}

#[test]
fn the_same_row_again_changes_nothing() {
    let company = company();
    let again = planned(read(0).unwrap(), &[&company], &settings());
    assert!(matches!(again, Step::Unchanged(id) if id == company.id));
}

#[test]
fn an_empty_cell_leaves_what_is_there() {
    let company = company();
    let values: Map<String, Value> =
        json!({"name": "Müller Bau GmbH", "website": "mueller.example"})
            .as_object()
            .unwrap()
            .clone();
    let Step::Update { new, .. } = planned(values, &[&company], &settings()) else {
        panic!("not an update")
    };
    assert_eq!(new.version, 2);
    assert_eq!(new.address, company.address);
    assert_eq!(new.website.as_deref(), Some("https://mueller.example"));
}

#[test]
fn a_namesake_with_another_register_number_is_another_company() {
    let there = Company { register_number: Some("HRB 1 Hanau".into()), ..company() };
    let mut values = read(0).unwrap();
    values.insert("register_number".into(), json!("HRB 2 Hanau"));
    let refused = planned(values.clone(), &[&there], &settings());
    assert!(matches!(refused, Step::Refuse(errors) if errors[0].code == "another_company"));
    values.insert("id".into(), json!(there.id));
    let Step::Update { new, .. } = planned(values, &[&there], &settings()) else {
        panic!("not an update")
    };
    assert_eq!(new.register_number.as_deref(), Some("HRB 2 Hanau"));
}

#[test]
fn a_row_that_may_mean_two_is_refused() {
    let company = company();
    let two = planned(read(0).unwrap(), &[&company, &company], &settings());
    assert!(matches!(two, Step::Refuse(errors) if errors[0].code == "ambiguous"));
    let skipping = ImportSettings { on_match: OnMatch::Skip, ..settings() };
    assert!(matches!(planned(read(0).unwrap(), &[&company], &skipping), Step::Skip(Some(_))));
    let only_known = ImportSettings { on_new: OnNew::Skip, ..settings() };
    assert!(matches!(planned(read(0).unwrap(), &[], &only_known), Step::Skip(None)));
}

#[test]
fn a_row_means_a_company_by_the_same_keys_as_the_company_has() {
    let of_row = keys(&read(0).unwrap(), &MatchRule::all());
    let of_company = keys_of(&company());
    assert!(of_row.iter().all(|key| of_company.contains(key)));
    assert!(
        matches!(of_row.as_slice(), [MatchKey::NameAndTown { name, .. }] if name == "mueller bau gmbh")
    );
}

#[test]
fn what_is_started_is_confirmed_and_starts_once() {
    let now = DateTime::UNIX_EPOCH;
    let somebody = || Reference::new(Uuid::nil(), "somebody");
    let file = ArrivedFile { format: ImportFormat::Csv, bytes: FILE.as_bytes().to_vec() };
    let input = ImportInput {
        target: ImportTarget::Companies,
        name: "firmen.csv".into(),
        profile_id: None,
    };
    let id = ImportId(Uuid::nil());
    let draft = Import::new(id, now, &input, &file, somebody(), somebody(), None).unwrap();
    let job = JobId(Uuid::nil());
    assert!(draft.started(now, job).is_err());
    let confirmed = draft.confirmed(now, draft.settings.clone(), &file.bytes).unwrap();
    let started = confirmed.started(now, job).unwrap();
    assert!(started.started(now, job).is_err());
    assert!(draft.undo_started(now, job).is_err());
    let undone = started.undo_started(now, job).unwrap().undone(now);
    assert!(undone.undo_started(now, job).is_err());
}

#[test]
fn the_same_file_with_the_same_settings_is_the_same_import() {
    let hash = ContentHash([1; 32]);
    let of =
        |settings: &ImportSettings| settings.fingerprint(ImportTarget::Companies, hash).unwrap();
    assert_eq!(of(&settings()), of(&settings()));
    assert_ne!(of(&settings()), of(&ImportSettings { on_match: OnMatch::Skip, ..settings() }));
}

#[test]
fn a_profile_fills_what_the_file_leaves_open_and_names_no_more_than_it_has() {
    let profile = ImportSettings {
        form: FileForm { date_form: Some(DateForm::British), number_form: None, ..settings().form },
        columns: vec![
            MappedColumn { header: "Firma".into(), field: "name".into() },
            MappedColumn { header: "Fax".into(), field: "website".into() },
        ],
        ..settings()
    };
    profile.check(ImportTarget::Companies, None).unwrap();
    let somebody = || Reference::new(Uuid::nil(), "somebody");
    let file = ArrivedFile { format: ImportFormat::Csv, bytes: FILE.as_bytes().to_vec() };
    let target = ImportTarget::Companies;
    let input = ImportInput { target, name: "firmen.csv".into(), profile_id: None };
    let (id, now) = (ImportId(Uuid::nil()), DateTime::UNIX_EPOCH);
    let draft =
        Import::new(id, now, &input, &file, somebody(), somebody(), Some(&profile)).unwrap();
    assert_eq!(draft.settings.form.date_form, Some(DateForm::British));
    assert_eq!(draft.settings.form.number_form, Some(NumberForm::German));
    assert_eq!(draft.settings.columns.len(), 1);
    assert!(!draft.confirmed);
}
