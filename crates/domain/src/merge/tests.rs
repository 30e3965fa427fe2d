use serde_json::json;

use super::*;
use crate::company::{Company, CompanyInput, CompanyStatus};
use crate::id::{CarrierId, CompanyId};

fn now() -> DateTime<Utc> {
    "2026-03-16T09:00:00Z".parse().unwrap()
}

fn company(id: u128, entered: &Value) -> Registered {
    let input: CompanyInput = serde_json::from_value(entered.clone()).unwrap();
    let district = input.district_id.map(|id| Reference::new(id, "Gießen"));
    let id = CompanyId(Uuid::from_u128(id));
    Registered::Company(Box::new(Company::new(id, now(), &input, district).unwrap()))
}

fn merging(survivor: &Value, other: &Value) -> Merging {
    Merging {
        survivor: company(1, survivor),
        other: company(2, other),
        references: Vec::new(),
        accompanied: [false, false],
    }
}

fn of(fields: &[MergedField], field: MergeField) -> Option<&MergedField> {
    fields.iter().find(|it| it.field == field)
}

const OTHER: MergeSide = MergeSide::Other;
const SURVIVOR: MergeSide = MergeSide::Survivor;

#[test]
fn the_survivor_keeps_what_it_has_and_takes_what_it_lacks() {
    let merging = merging(
        &json!({"name": "A GmbH", "vat_id": "DE100000008", "address": {"country": "AT"}}),
        &json!({
            "name": "A", "website": "a.example", "vat_id": "DE200000005", "status": "dormant",
            "address": {"city": "Gießen"}, "district_id": Uuid::from_u128(9),
            "industry": {"classification": "wz2008", "code": "25.61"}, "size": {"staff": 12}
        }),
    );
    let preview = merging.preview(&[]).unwrap();
    let kept = |field| preview.fields.iter().find(|it| it.field == field).unwrap().kept;
    for field in [MergeField::Name, MergeField::VatId, MergeField::Status, MergeField::HeardOfUs] {
        assert_eq!(kept(field), SURVIVOR, "{field:?}");
    }
    for field in [
        MergeField::Website,
        MergeField::Address,
        MergeField::District,
        MergeField::Industry,
        MergeField::Size,
    ] {
        assert_eq!(kept(field), OTHER, "{field:?}");
    }
    assert!(preview.fields.iter().all(|it| it.field != MergeField::ActorType));

    let choices = [
        MergeChoice { field: MergeField::Name, from: OTHER },
        MergeChoice { field: MergeField::Size, from: SURVIVOR },
    ];
    let fields = merging.as_seen(&choices, Some(&preview.token)).unwrap();
    assert!(of(&fields, MergeField::HeardOfUs).is_none(), "both say nothing");
    let merged = merging.survivor.merged_with(now(), &merging.other, &fields).unwrap();
    let Registered::Company(it) = &merged else { panic!("a company") };
    assert_eq!((it.name.as_str(), it.vat_id.as_deref()), ("A", Some("DE100000008")));
    assert_eq!(it.website.as_deref(), Some("https://a.example"));
    assert_eq!(it.industry.as_ref().map(|it| it.code.as_str()), Some("25.61"));
    assert_eq!(it.district.as_ref().map(|it| it.id), Some(Uuid::from_u128(9)));
    assert_eq!((&it.size, it.status, it.version), (&None, CompanyStatus::Active, 2));

    // And back, but for what was changed since.
    let (back, newer) = changed_back(&merged, now(), &fields).unwrap();
    let before = merging.survivor.shown().unwrap();
    assert_eq!(newer, []);
    assert_eq!(crate::audit::changes(&before, &back.shown().unwrap()), []);
    let changed = Company { website: Some("https://neu.example".to_owned()), ..(**it).clone() };
    let changed = Registered::Company(Box::new(changed));
    let (back, newer) = changed_back(&changed, now(), &fields).unwrap();
    assert_eq!(newer, [MergeField::Website]);
    assert_eq!(back.shown().unwrap()["website"], "https://neu.example");
    assert_eq!(back.shown().unwrap()["name"], "A GmbH");
}

#[test]
fn a_choice_is_about_a_field_that_there_is_and_made_once() {
    let merging = merging(&json!({"name": "A"}), &json!({"name": "B"}));
    let choice = |field| MergeChoice { field, from: OTHER };
    for (choices, code) in [
        (vec![choice(MergeField::ActorType)], "not_a_field"),
        (vec![choice(MergeField::Name), choice(MergeField::Name)], "duplicate"),
    ] {
        let Err(Error::Invalid(errors)) = merging.preview(&choices) else { panic!("{code}") };
        assert_eq!(errors[0].code, code);
    }
}

#[test]
fn a_token_stands_for_what_was_seen() {
    let (one, two) = (json!({"name": "A"}), json!({"name": "B"}));
    let seen = merging(&one, &two);
    let token = seen.preview(&[]).unwrap().token;
    assert!(seen.as_seen(&[], Some(&token)).is_ok());
    let refused = |merging: &Merging, token: Option<&str>| match merging.as_seen(&[], token) {
        Err(Error::Conflict { code, .. }) => code,
        Err(Error::Invalid(_)) => "invalid",
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&seen, None), "invalid");
    assert_eq!(refused(&seen, Some("x")), "another_preview");
    let more = MergeCount {
        reference: MergeReference::Task,
        carrier: None,
        moves: 1,
        collapses: 0,
        stays: 0,
    };
    let later = Merging { references: vec![more], ..merging(&one, &two) };
    assert_eq!(refused(&later, Some(&token)), "another_preview");
    let both = Merging { accompanied: [true, true], ..merging(&one, &two) };
    assert_eq!(refused(&both, Some(&token)), "open_accompaniments");
    assert_eq!(both.preview(&[]).unwrap().obstacles.len(), 1);
    let left = seen.other.left_behind(now(), "A").unwrap();
    let archived = Merging { other: left, ..merging(&one, &two) };
    assert_eq!(refused(&archived, Some(&token)), "archived");
}

#[test]
fn only_two_of_a_kind_are_merged() {
    let actor = serde_json::from_value(json!({"name": "K", "actor_type": "other"})).unwrap();
    let id = crate::id::ActorId(Uuid::from_u128(3));
    let actor = crate::actor::Actor::new(id, now(), &actor, None).unwrap();
    let (actor, company) = (Registered::Actor(Box::new(actor)), company(1, &json!({"name": "A"})));
    let refused = |one: &Registered, two: &Registered| match Merging::check_pair(one, two) {
        Err(Error::Invalid(errors)) => errors[0].code.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&company, &company), "same_organisation");
    assert_eq!(refused(&company, &actor), "of_another_kind");
}

#[test]
fn ids_of_other_carriers_records_are_theirs() {
    let (own, other) =
        (Reference::new(Uuid::from_u128(7), "A"), Reference::new(Uuid::from_u128(8), "B"));
    let remainder = |carrier: Option<&Reference>| MergeRemainder {
        reference: MergeReference::Task,
        reason: MergeRemainderReason::Gone,
        record_id: Some(Uuid::from_u128(1)),
        carrier: carrier.cloned(),
        field: None,
    };
    let merging = merging(&json!({"name": "A"}), &json!({"name": "B"}));
    let merge = Merge {
        id: MergeId(Uuid::from_u128(1)),
        survivor: merging.survivor.reference(),
        merged: merging.other.reference(),
        reason: None,
        fields: Vec::new(),
        moved: Vec::new(),
        merged_by: own.clone(),
        undone: None,
        version: 1,
        created_at: now(),
        updated_at: now(),
    };
    let remainders = vec![remainder(Some(&own)), remainder(Some(&other)), remainder(None)];
    let undone = merge.undone(now(), own.clone(), "Not the same".to_owned(), remainders);
    assert!(undone.check_may_be_undone(None).is_err(), "once");
    assert!(merge.check_may_be_undone(Some(&merge)).is_err(), "the later one first");
    let seen = undone.seen_by(&Scope::Carrier(CarrierId(own.id)));
    let ids: Vec<bool> =
        seen.undone.unwrap().remainders.iter().map(|it| it.record_id.is_some()).collect();
    assert_eq!(ids, [true, false, true]);
}

#[test]
fn a_vat_id_from_before_its_digits_were_looked_at_is_taken_over_and_given_back() {
    let with_old_id = |id: u128, entered: &Value, vat_id: &str| {
        let Registered::Company(it) = company(id, entered) else { panic!("a company") };
        Registered::Company(Box::new(Company { vat_id: Some(vat_id.to_owned()), ..*it }))
    };
    let mut merging = merging(&json!({"name": "A"}), &json!({"name": "B"}));
    merging.survivor = with_old_id(1, &json!({"name": "A"}), "DE100000001");
    merging.other = with_old_id(2, &json!({"name": "B"}), "DE100000002");
    let token = merging.preview(&[]).unwrap().token;
    let choices = [MergeChoice { field: MergeField::VatId, from: OTHER }];
    let fields = merging.as_seen(&choices, Some(&token)).unwrap();
    let merged = merging.survivor.merged_with(now(), &merging.other, &fields).unwrap();
    let (back, _) = changed_back(&merged, now(), &fields).unwrap();
    let vat_id = |it: &Registered| match it {
        Registered::Company(it) => it.vat_id.clone(),
        Registered::Actor(_) => None,
    };
    assert_eq!(vat_id(&merged).as_deref(), Some("DE100000002"));
    assert_eq!(vat_id(&back).as_deref(), Some("DE100000001"));
}
