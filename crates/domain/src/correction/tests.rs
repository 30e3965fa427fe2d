use super::*;
use serde_json::json;

/// Corrections keep consultations for good. One as the first of them did: when a field is added to a
/// consultation, this stays as it is.
fn kept() -> Value {
    let id = "01890000-0000-7000-8000-0000000fffff";
    let named = json!({"id": id, "name": "x"});
    json!({
        "id": id, "organisation": {"id": id, "name": "x", "kind": "company"},
        "establishment": named, "carrier": named, "site": named, "funding_period": named,
        "district": named, "held_on": "2022-05-05", "starts_at": "09:30:00", "minutes": 45,
        "preparation_minutes": 5, "channel": "phone", "status": "held", "kind": null,
        "advisers": [named], "topics": [{"code": "x", "label_de": "x", "label_en": "x"}],
        "contacts": [named],
        "occupations": [{
            "code": "26302", "group": "26", "group_label_de": "x", "group_label_en": "x",
            "skill_level": "skilled", "workers": 2
        }],
        "apprentices": 1, "countries": [{"code": "MA", "label_de": "x", "label_en": "x"}],
        "notes": "x", "note_warnings": ["health"], "outcome": "clarified", "anonymous": null,
        "event": named, "voided": null, "recorded_by": named, "version": 1,
        "created_at": "2026-03-16T09:00:00Z", "updated_at": "2026-03-16T09:00:00Z"
    })
}

#[test]
fn a_consultation_that_was_kept_is_still_read() {
    let read: Consultation = serde_json::from_value(kept()).unwrap();
    assert_eq!((read.minutes, read.occupations.len()), (45, 1));
}

fn difference(field: &str, old: Value, new: Value) -> FieldChange {
    FieldChange { field: field.to_owned(), old, new }
}

fn correction(number: u128, differences: Vec<FieldChange>) -> Correction {
    let named = Reference::new(Uuid::from_u128(number), "x");
    Correction {
        id: CorrectionId(Uuid::from_u128(number)),
        kind: CorrectionKind::Change,
        carrier: named.clone(),
        funding_period: named.clone(),
        moved_to: None,
        consultation: None,
        differences,
        corrected: None,
        record_version: Some(1),
        overtaken: Vec::new(),
        reason: "x".to_owned(),
        recorded_by: named,
        withdrawn: None,
        version: 1,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    }
}

#[test]
fn what_the_record_says_since_is_not_overridden() {
    let record: Consultation = serde_json::from_value(kept()).unwrap();
    let other = json!({"id": Uuid::from_u128(7), "name": "y", "kind": "company"});
    let place = json!({"id": Uuid::from_u128(8), "name": "y"});
    let renamed = json!({"id": record.organisation.as_ref().unwrap().id, "name": "z"});
    let all = [
        // On a record that said 30, and on top of that.
        correction(1, vec![difference("minutes", json!(30), json!(60))]),
        correction(
            2,
            vec![
                difference("minutes", json!(60), json!(90)),
                difference("channel", json!("phone"), json!("video")),
            ],
        ),
        // The record was made to say what a correction says, and another builds on that.
        correction(3, vec![difference("apprentices", json!(9), json!(1))]),
        correction(4, vec![difference("apprentices", json!(1), json!(2))]),
        // The organisation is called otherwise, and the district was filled in.
        correction(
            5,
            vec![
                difference("organisation", renamed, other),
                difference("district", Value::Null, place),
            ],
        ),
        // The day is another one, so the organisation of that day is not taken either.
        correction(
            6,
            vec![
                difference("held_on", json!("2021-01-01"), json!("2021-01-02")),
                difference("organisation", Value::Null, Value::Null),
            ],
        ),
    ];
    let (read, gone) = super::read(&record, &all).unwrap();
    assert_eq!((&read["minutes"], &read["channel"]), (&json!(45), &json!("video")));
    assert_eq!(read["apprentices"], 2);
    assert_eq!(
        (&read["organisation"]["name"], &read["district"]["name"]),
        (&json!("y"), &json!("y"))
    );
    assert_eq!(read["held_on"], "2022-05-05");
    let gone: Vec<_> = gone.into_iter().map(|(id, field)| (id.0.as_u128(), field)).collect();
    assert_eq!(gone, [(1, "minutes"), (2, "minutes"), (6, "held_on"), (6, "organisation")]);
    assert_eq!(overtaken(&record, &all, all[1].id).unwrap(), ["minutes"]);
}

#[test]
fn fields_go_with_their_kind() {
    let id = json!("01890000-0000-7000-8000-0000000fffff");
    let faults = |input: Value| {
        let input: CorrectionInput = serde_json::from_value(input).unwrap();
        match input.asked() {
            Ok(_) => Vec::new(),
            Err(Error::Invalid(errors)) => errors.into_iter().map(|e| e.pointer).collect(),
            Err(other) => panic!("{other}"),
        }
    };
    let none: [&str; 0] = [];
    let change = json!({"kind": "change", "consultation_id": id, "changes": {}, "reason": "x"});
    assert_eq!(faults(change), none);
    assert_eq!(faults(json!({"kind": "void", "consultation_id": id, "reason": "x"})), none);
    assert_eq!(
        faults(json!({"kind": "change", "reason": ""})),
        ["/consultation_id", "/changes", "/reason"]
    );
    assert_eq!(
        faults(json!({"kind": "add", "consultation_id": id, "changes": {}, "reason": "x"})),
        ["/consultation_id", "/changes", "/consultation"]
    );
}
