use super::*;
use crate::code::Code;
use crate::id::{OrganisationId, TagId};
use crate::organisation::{OrganisationKind, OrganisationReference};
use crate::tag::{Tag, TagInput};
use serde_json::json;

fn tag(number: u128) -> Tag {
    let input = TagInput { name: format!("Tag {number}"), colour: None };
    let carrier = Reference::new(Uuid::nil(), "Träger");
    Tag::new(TagId(Uuid::from_u128(number)), DateTime::UNIX_EPOCH, &input, carrier).unwrap()
}

fn known() -> KnownForOrder {
    let old = tag(2).archived(DateTime::UNIX_EPOCH, "x".to_owned()).unwrap();
    KnownForOrder { tags: vec![tag(1), old, tag(3)], owner: true }
}

fn checked(input: &Value) -> Result<(BulkSelection, BulkOrder)> {
    let input: BulkChangeInput = serde_json::from_value(input.clone()).unwrap();
    input.checked(&known())
}

#[track_caller]
fn violations(input: &Value) -> Vec<(String, String)> {
    match checked(input) {
        Err(Error::Invalid(found)) => found.into_iter().map(|v| (v.pointer, v.code)).collect(),
        other => panic!("{other:?}"),
    }
}

fn of(target: &str, change: &Value) -> Value {
    json!({"target": target, "ids": [Uuid::from_u128(7)], "change": change})
}

#[track_caller]
fn refused(target: &str, change: &Value, pointer: &str, code: &str) {
    let found = violations(&of(target, change));
    assert_eq!(found, [(pointer.to_owned(), code.to_owned())], "{target} {change}");
}

#[test]
fn records_are_named_in_one_way() {
    let change = json!({"kind": "archive", "reason": "Closed"});
    let named = |more: Value| {
        let mut input = json!({"target": "companies", "change": change});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        violations(&input).remove(0)
    };
    let at = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
    let id = Uuid::from_u128(1);
    assert_eq!(named(json!({})), at("/ids", "missing"));
    assert_eq!(named(json!({"ids": [id], "filter": {}})), at("/filter", "ids_too"));
    assert_eq!(named(json!({"ids": []})), at("/ids", "too_few"));
    assert_eq!(named(json!({"ids": [id, id]})), at("/ids/1", "repeated"));
    let many: Vec<_> = (0..=10_000).map(Uuid::from_u128).collect();
    assert_eq!(named(json!({"ids": many})), at("/ids", "too_many"));
    let colour = json!({"filter": {"colour": "red"}});
    assert_eq!(named(colour), at("/filter/colour", "unknown_field"));
    let size = json!({"filter": {"size_class": "huge"}});
    assert_eq!(named(size), at("/filter/size_class", "wrong_type"));
    let contacts = json!({"target": "contacts", "filter": {}});
    assert_eq!(named(contacts), at("/filter", "ids_only"));
}

#[test]
fn what_cannot_be_done_to_one_cannot_be_done_to_many() {
    let changes = [
        json!({"kind": "update", "patch": {"unknown": 1}}),
        json!({"kind": "tag", "add": [Uuid::from_u128(1)]}),
        json!({"kind": "assign", "owner_id": Uuid::from_u128(1)}),
        json!({"kind": "archive", "reason": "Closed"}),
    ];
    for target in BulkTarget::all() {
        for change in &changes[1..] {
            let kind = BulkKind::from_code(change["kind"].as_str().unwrap()).unwrap();
            let done = checked(&of(target.code(), change));
            assert_eq!(done.is_ok(), target.takes(kind), "{target:?} {kind:?}");
        }
        refused(target.code(), &changes[0], "/change/patch/unknown", "unknown_field");
    }
}

#[test]
fn a_change_has_what_belongs_to_its_kind() {
    let update = |patch: Value| json!({"kind": "update", "patch": patch});
    refused("companies", &json!({"kind": "update"}), "/change/patch", "missing");
    refused("companies", &update(json!({})), "/change/patch", "empty");
    refused("companies", &update(json!({"name": null})), "/change/patch/name", "missing");
    refused("companies", &update(json!({"status": 1})), "/change/patch/status", "wrong_type");
    refused("companies", &update(json!({"no": null})), "/change/patch/no", "unknown_field");
    refused("tasks", &json!({"kind": "assign"}), "/change/owner_id", "missing");
    refused("contacts", &json!({"kind": "archive"}), "/change/reason", "empty");
    let both = json!({"kind": "archive", "reason": "Closed", "patch": {"name": "A"}});
    refused("contacts", &both, "/change/patch", "not_of_this_kind");
    // Records that have an industry can be given another code of it.
    checked(&of("companies", &update(json!({"industry": {"code": "25.61"}})))).unwrap();
}

#[test]
fn tags_are_known_and_go_one_way() {
    let tags = |add: &[u128], remove: &[u128]| {
        let ids = |n: &[u128]| n.iter().map(|n| Uuid::from_u128(*n)).collect::<Vec<_>>();
        json!({"kind": "tag", "add": ids(add), "remove": ids(remove)})
    };
    refused("actors", &tags(&[], &[]), "/change/add", "missing");
    refused("actors", &tags(&[9], &[]), "/change/add/0", "unknown");
    refused("actors", &tags(&[2], &[]), "/change/add/0", "archived");
    refused("actors", &tags(&[1], &[3, 1]), "/change/remove/1", "added_too");
    refused("actors", &tags(&[], &[1, 1]), "/change/remove/1", "repeated");
    checked(&of("actors", &tags(&[1], &[2]))).unwrap();

    let id = |n: u128| TagId(Uuid::from_u128(n));
    let before = [tag(1).reference(), tag(2).reference()];
    let after = adjusted_tags(&before, &[id(1), id(3)], &[id(2), id(4)]);
    assert_eq!(after.tag_ids, [id(1), id(3)]);
}

#[test]
fn an_order_is_kept_as_it_is() {
    for change in [
        json!({"kind": "update", "patch": {"address": {"city": "Hanau", "street": null}}}),
        json!({"kind": "tag", "add": [Uuid::from_u128(1)], "remove": []}),
        json!({"kind": "archive", "reason": "Closed"}),
    ] {
        let (_, order) = checked(&of("companies", &change)).unwrap();
        let kept = serde_json::to_value(&order).unwrap();
        assert_eq!(kept, change);
        assert_eq!(serde_json::from_value::<BulkOrder>(kept).unwrap(), order);
    }
}

#[test]
fn what_says_nothing_of_the_record_is_no_outcome() {
    let into = OrganisationReference {
        id: OrganisationId(Uuid::nil()),
        name: "Muster".to_owned(),
        kind: OrganisationKind::Company,
    };
    for (result, outcome, code) in [
        (Ok(true), BulkOutcome::Changed, None),
        (Ok(false), BulkOutcome::Unchanged, None),
        (Err(Error::NotFound("task")), BulkOutcome::NotFound, None),
        (Err(Error::Stale { current: 2 }), BulkOutcome::ChangedSince, None),
        (Err(Error::Merged { old: Uuid::nil(), into }), BulkOutcome::Refused, Some("merged")),
        (Err(Error::invalid("/a", "empty", "x")), BulkOutcome::Refused, Some("empty")),
        (Err(Error::Forbidden("x".to_owned())), BulkOutcome::Refused, Some("forbidden")),
        (Err(Error::conflict("archived", "x")), BulkOutcome::Refused, Some("archived")),
    ] {
        let (found, errors) = outcome_of(result).unwrap();
        assert_eq!(found, outcome);
        assert_eq!(errors.first().map(|error| error.code.as_str()), code);
    }
    assert!(outcome_of(Err(Error::Busy("x".into()))).is_err());
    assert!(outcome_of(Err(Error::internal("x"))).is_err());
}
