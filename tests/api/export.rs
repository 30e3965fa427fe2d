//! Lists as files.

use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Session, both};
use crate::hostile::{operations, records};

/// All items of a list, page by page.
async fn items(session: &Session, path: &str) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let sign = if path.contains('?') { '&' } else { '?' };
        let page = session.get(&format!("{path}{sign}limit=200{cursor}")).await.expect(200).body;
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

async fn file(session: &Session, path: &str, params: &str) -> Vec<u8> {
    let sign = if path.contains('?') { '&' } else { '?' };
    let path = format!("{path}{sign}{params}");
    let answer = session.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    let name = answer.headers()["content-disposition"].to_str().unwrap();
    assert!(name.starts_with("attachment; filename=\""), "{name}");
    answer.bytes().await.unwrap().to_vec()
}

fn lines(jsonl: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(jsonl).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Header and records.
fn csv(bytes: &[u8], delimiter: u8) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(bytes);
    let row = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect();
    let header = row(reader.headers().unwrap());
    (header, reader.records().map(|record| row(&record.unwrap())).collect())
}

fn sheet(xlsx: Vec<u8>) -> Vec<Vec<Data>> {
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(xlsx)).unwrap();
    let name = workbook.sheet_names()[0].clone();
    workbook.worksheet_range(&name).unwrap().rows().map(<[Data]>::to_vec).collect()
}

/// What a column with a dotted name shows of an item.
fn value<'a>(item: &'a Value, column: &str) -> &'a Value {
    column.split('.').fold(item, |value, name| value.get(name).unwrap_or(&Value::Null))
}

fn as_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The columns together have all that the item has.
fn assert_all_is_there(item: &Value, prefix: &str, header: &[String]) {
    for (name, value) in item.as_object().unwrap() {
        let column = format!("{prefix}{name}");
        if header.contains(&column) {
            continue;
        }
        match value {
            // Nothing is lost of a record that is not there.
            Value::Null => assert!(header.iter().any(|it| it.starts_with(&format!("{column}.")))),
            Value::Object(_) => assert_all_is_there(value, &format!("{column}."), header),
            other => panic!("{column} has no column for {other}: {header:?}"),
        }
    }
}

/// Every list of the API in every form says what its pages say.
#[test]
fn every_list_is_a_file_too() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let records = records(&app, &adviser).await;
        let mut sessions = vec![adviser];
        for role in ["manager", "admin", "data.protection"] {
            sessions.push(app.log_in(role).await);
        }
        let mut with_items = 0;
        for (_, path, operation) in operations() {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            if !parameters.contains(&json!({"$ref": "#/components/parameters/format"})) {
                continue;
            }
            let id = records.iter().find(|(resource, _)| path.starts_with(resource));
            let path = path.replace("{id}", id.map_or("", |(_, id)| id.as_str()));
            let mut reader = None;
            for session in &sessions {
                if session.get(&path).await.status == 200 {
                    reader = Some(session);
                    break;
                }
            }
            let reader = reader.unwrap_or_else(|| panic!("nobody reads {path}"));
            let jsonl = lines(&file(reader, &path, "format=jsonl").await);
            let (header, rows) = csv(&file(reader, &path, "format=csv&lossless=true").await, b',');
            let sheet = sheet(file(reader, &path, "format=xlsx").await);
            let named: Vec<String> = sheet[0].iter().map(ToString::to_string).collect();
            assert_eq!(named, header, "{path}");
            // It notes that it is read, so no two readings of it are the same.
            if path == "/audit-log" {
                assert!(jsonl.len() > 10 && rows.len() > 10 && sheet.len() > 10);
                continue;
            }
            assert_eq!(jsonl, items(reader, &path).await, "{path}");
            assert_eq!(rows.len(), jsonl.len(), "{path}");
            assert_eq!(sheet.len(), jsonl.len() + 1, "{path}");
            for (item, row) in jsonl.iter().zip(&rows) {
                assert_all_is_there(item, "", &header);
                for (column, field) in header.iter().zip(row) {
                    assert_eq!(*field, as_text(value(item, column)), "{path}: {column}");
                }
            }
            with_items += usize::from(!jsonl.is_empty());
        }
        assert!(with_items > 40, "{with_items} lists had something");
    });
}

#[test]
fn a_file_has_all_that_matches_and_only_that() {
    both(async |app| {
        let (adviser, other) = (app.log_in("adviser").await, app.log_in("other").await);
        for number in 0..203 {
            adviser.company(&format!("Lange Liste {number:03} GmbH"), &json!({})).await;
        }
        adviser.company("Andere GmbH", &json!({})).await;
        let input = app.consultation(&adviser, &json!({})).await;
        adviser.post("/consultations", &input).await.expect(201);

        let found = lines(&file(&adviser, "/companies?q=Lange", "format=jsonl").await);
        assert_eq!(found.len(), 203);
        assert_eq!(found, items(&adviser, "/companies?q=Lange").await);
        assert_eq!(sheet(file(&adviser, "/companies?q=Lange", "format=xlsx").await).len(), 204);
        let sorted = lines(&file(&adviser, "/companies?sort=-name", "format=jsonl").await);
        assert_eq!(sorted, items(&adviser, "/companies?sort=-name").await);
        // The scope of the caller holds.
        assert_eq!(lines(&file(&adviser, "/consultations", "format=jsonl").await).len(), 1);
        assert_eq!(lines(&file(&other, "/consultations", "format=jsonl").await).len(), 0);
        let coordinator = app.log_in("coordinator").await;
        coordinator.get("/consultations?format=csv").await.problem(403, "forbidden");
    });
}

#[test]
fn a_spreadsheet_takes_no_text_for_a_formula() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let company = adviser.company("=SUMME(A1:A9)", &json!({})).await;
        let more = json!({"organisation_id": company["id"], "topics": ["fast_track", "blue_card"]});
        let input = app.consultation(&adviser, &more).await;
        let made = adviser.post("/consultations", &input).await.expect(201).body;
        let field = |(header, rows): (Vec<String>, Vec<Vec<String>>), column: &str| {
            rows[0][header.iter().position(|name| name == column).unwrap()].clone()
        };
        let list = "/consultations";
        let german = file(&adviser, list, "format=csv&form=german&bom=true").await;
        assert_eq!(&german[..3], "\u{feff}".as_bytes());
        let german = csv(&german[3..], b';');
        assert_eq!(field(german.clone(), "organisation.name"), "'=SUMME(A1:A9)");
        let held_on = made["held_on"].as_str().unwrap();
        let (year, month, day) = (&held_on[..4], &held_on[5..7], &held_on[8..]);
        assert_eq!(field(german.clone(), "held_on"), format!("{day}.{month}.{year}"));
        assert_eq!(field(german.clone(), "topics").split("; ").count(), 2);
        assert_eq!(field(german, "advisers"), made["advisers"][0]["name"].as_str().unwrap());

        let plain = csv(&file(&adviser, list, "format=csv").await, b',');
        assert_eq!(field(plain.clone(), "organisation.name"), "'=SUMME(A1:A9)");
        assert_eq!(field(plain, "held_on"), held_on);
        let exact = csv(&file(&adviser, list, "format=csv&lossless=true").await, b',');
        assert_eq!(field(exact.clone(), "organisation.name"), "=SUMME(A1:A9)");
        assert_eq!(field(exact.clone(), "created_at"), made["created_at"].as_str().unwrap());
        let topics: Value = serde_json::from_str(&field(exact, "topics")).unwrap();
        assert_eq!(topics, made["topics"]);

        let sheet = sheet(file(&adviser, list, "format=xlsx").await);
        let cell = |name: &str| {
            let at = sheet[0].iter().position(|cell| *cell == *name).unwrap();
            sheet[1][at].clone()
        };
        assert_eq!(cell("organisation.name"), Data::String("=SUMME(A1:A9)".to_owned()));
        assert!(matches!(cell("held_on"), Data::DateTime(_)));
        assert!(matches!(cell("created_at"), Data::DateTime(_)));
        assert!(matches!(cell("minutes"), Data::Float(_)));
    });
}

#[test]
fn what_belongs_to_a_page_does_not_belong_to_a_file() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        for (query, pointer) in [
            ("format=csv&limit=5", "limit"),
            ("format=csv&total=true", "total"),
            ("format=csv&cursor=x", "cursor"),
            ("form=german", "form"),
            ("bom=true", "bom"),
            ("lossless=true", "lossless"),
            ("format=pdf", "format"),
            ("format=csv&form=french", "form"),
            ("format=csv&nam=x", "nam"),
        ] {
            let problem = adviser.get(&format!("/companies?{query}")).await;
            let problem = problem.problem(400, "malformed_query");
            assert!(problem.text.contains(&format!("\"{pointer}")), "{query}: {}", problem.text);
        }
        // What is no list of records has no file.
        adviser.get("/worklist?format=csv").await.problem(400, "malformed_query");
    });
}
