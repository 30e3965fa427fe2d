use serde_json::{Map, Value, json};

use super::key::{Decision, MatchKey, check_is_the_same, decide, keys, of_organisation, refusal};
use super::layout::Layout;
use super::named::Named;
use super::*;
use crate::code::Code;
use crate::company::{Company, CompanyInput};
use crate::id::CompanyId;

const FILE: &str = "Firma;PLZ;Ort;Rechtsform;Mitarbeiter;Bemerkung\n\
                    Müller Bau GmbH;60311;Frankfurt am Main;GmbH;42,5;alt\n\
                    Ohne Ort GmbH;6031;;Firma;viele;\n";

fn detected() -> Detected {
    let reading = file::Reading { target: ImportTarget::Companies, mapped: &[] };
    file::detect(FILE.as_bytes(), ImportFormat::Csv, reading).unwrap()
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

fn company() -> Company {
    let input: CompanyInput = serde_json::from_value(Value::Object(read(0).unwrap())).unwrap();
    Company::new(CompanyId(Uuid::from_u128(7)), DateTime::UNIX_EPOCH, &input, None).unwrap()
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
}

#[test]
fn what_a_rule_refuses_is_told_with_its_column() {
    let settings = settings();
    let told = |pointer: &str| {
        let error = Error::invalid(pointer, "broken", "is broken");
        let errors = refusal(&settings, error).unwrap();
        (errors[0].column.clone(), errors[0].message.clone())
    };
    assert_eq!(told("/address/postcode"), (Some("PLZ".into()), "is broken".into()));
    assert_eq!(told("/name/0"), (Some("Firma".into()), "is broken".into()));
    assert_eq!(told("/vat_id"), (None, "vat_id: is broken".into()));
    assert!(refusal(&settings, Error::TimedOut).is_err());
}

#[test]
fn a_fixed_value_fills_what_no_column_does() {
    let with = |field: &str, value: &str| {
        let mut settings = settings();
        settings.fixed = vec![FixedValue { field: field.into(), value: value.into() }];
        settings.check(ImportTarget::Companies, Some(&detected()))?;
        let table = file::read(FILE.as_bytes(), ImportFormat::Csv, &settings.form)?;
        let layout = Layout::new(ImportTarget::Companies, &settings, &table.header)?;
        let row = table.rows.map(|row| row.unwrap()).next().unwrap();
        Ok::<_, Error>(layout.read(&row, &Named::default()))
    };
    assert_eq!(with("status", "active").unwrap().unwrap()["status"], "active");
    assert_eq!(with("address.country", "Germany").unwrap().unwrap()["address"]["country"], "DE");
    // There is no code that it would classify.
    let read = with("industry.classification", "WZ 2008").unwrap().unwrap();
    assert_eq!(read.get("industry"), None);
    assert_eq!(with("status", "odd").unwrap().unwrap_err()[0].code, "unknown_code");
    assert!(with("name", "A column fills it").is_err());
}

#[test]
fn a_namesake_with_another_register_number_is_another_company() {
    let there = Company { register_number: Some("HRB 1 Hanau".into()), ..company() };
    let mut values = read(0).unwrap();
    check_is_the_same(&there, &values).unwrap();
    values.insert("register_number".into(), json!("Amtsgericht Hanau HRB1"));
    check_is_the_same(&there, &values).unwrap();
    values.insert("register_number".into(), json!("HRB 2 Hanau"));
    assert!(check_is_the_same(&there, &values).is_err());
    // By the id it is the same, and the number is a new one.
    values.insert("id".into(), json!(there.id));
    check_is_the_same(&there, &values).unwrap();
}

#[test]
fn a_row_that_may_mean_two_is_refused() {
    let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let of = |settings: &ImportSettings, found: &[Uuid]| decide(settings, found).ok();
    assert_eq!(of(&settings(), &[]), Some(Decision::Create));
    assert_eq!(of(&settings(), &[one]), Some(Decision::Update(one)));
    assert_eq!(of(&settings(), &[one, two]), None);
    let skipping = ImportSettings { on_match: OnMatch::Skip, ..settings() };
    assert_eq!(of(&skipping, &[one, two]), Some(Decision::Skip(Some(one))));
    let adding = ImportSettings { on_match: OnMatch::Create, ..settings() };
    assert_eq!(of(&adding, &[one]), Some(Decision::Create));
    let only_known = ImportSettings { on_new: OnNew::Skip, ..settings() };
    assert_eq!(of(&only_known, &[]), Some(Decision::Skip(None)));
}

#[test]
fn a_row_is_known_by_what_it_says() {
    let number = |number: &str| {
        let values = json!({"register_number": number}).as_object().unwrap().clone();
        keys(&values, &[MatchRule::RegisterNumber])
    };
    assert_eq!(number("HRB 1 Hanau"), [MatchKey::RegisterNumber("HRB 1 Hanau".into())]);
    // Every court counts from one.
    assert_eq!(number("HRB 1"), []);
    let of_row = keys(&read(0).unwrap(), MatchRule::of(ImportTarget::Companies));
    let name = "mueller bau gmbh".to_owned();
    assert_eq!(of_row, [MatchKey::NameAndTown { name, town: "frankfurt am main".into() }]);
    let values = |value: Value| value.as_object().unwrap().clone();
    let told = values(json!({"organisation": {"name": "A B", "vat_id": "de 1", "city": "Hanau"}}));
    let town = "hanau".into();
    let by_name = MatchKey::NameAndTown { name: "a b".into(), town };
    assert_eq!(of_organisation(&told), [MatchKey::VatId("DE1".into()), by_name]);
    let told = values(json!({"organisation": {"name": "A B"}}));
    assert_eq!(of_organisation(&told), [MatchKey::Name("a b".into())]);
    assert_eq!(of_organisation(&values(json!({}))), []);
}

#[test]
fn rules_belong_to_a_target() {
    let by_title = ImportSettings { match_by: vec![MatchRule::TitleAndDay], ..settings() };
    assert!(by_title.check(ImportTarget::Companies, Some(&detected())).is_err());
    for target in ImportTarget::all() {
        let proposed = ImportSettings::proposed(target, &detected()).match_by;
        assert!(proposed.contains(&MatchRule::Id), "{target:?}");
        assert!(proposed.iter().all(|rule| MatchRule::of(target).contains(rule)), "{target:?}");
    }
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
    let meaning = Meaning::proposed(&input, &file, None).unwrap();
    let draft = Import::new(id, now, &input, &file, somebody(), somebody(), meaning).unwrap();
    let job = JobId(Uuid::nil());
    assert!(draft.started(now, job).is_err());
    let told = |of: &Import| Meaning::told(of, of.settings.clone(), &file.bytes);
    let confirmed = draft.confirmed(now, told(&draft).unwrap()).unwrap();
    let started = confirmed.started(now, job).unwrap();
    assert!(started.started(now, job).is_err());
    assert!(told(&started).is_err());
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
    let meaning = Meaning::proposed(&input, &file, Some(&profile)).unwrap();
    let draft = Import::new(id, now, &input, &file, somebody(), somebody(), meaning).unwrap();
    assert_eq!(draft.settings.form.date_form, Some(DateForm::British));
    assert_eq!(draft.settings.form.number_form, Some(NumberForm::German));
    assert_eq!(draft.settings.columns.len(), 1);
    assert!(!draft.confirmed);
}
