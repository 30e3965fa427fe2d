//! How good the rule for duplicates is on a register that is made up, and that both databases find by it what
//! a look at every organisation finds.

use std::fmt::Write as _;

use diesel::connection::SimpleConnection;
use lotse_domain::company::{Company, CompanyInput};
use lotse_domain::duplicate::{Candidate, same_as};
use lotse_domain::id::CompanyId;
use lotse_domain::search::Found;
use lotse_persistence::{company, duplicate};
use uuid::Uuid;

use crate::harness::both;
use crate::made_up::{MadeUp, Register};

const ORGANISATIONS: u128 = 2000;
const ENTRIES: usize = 150;

/// Every so many entries are compared with a look at every organisation.
const COMPARED: usize = 30;

/// How somebody enters a company that is there already.
#[derive(Clone, Copy, Debug)]
enum Way {
    TypingError,
    TwoTypingErrors,
    LegalForm,
    Spelling,
    Words,
    Moved,
    Merged,
}

const WAYS: [(Way, f64); 7] = [
    (Way::TypingError, 0.95),
    (Way::TwoTypingErrors, 0.7),
    (Way::LegalForm, 0.99),
    (Way::Spelling, 0.97),
    (Way::Words, 0.95),
    (Way::Moved, 0.98),
    (Way::Merged, 0.99),
];

/// Of companies that are not there, how many may be asked about in vain.
const MOST_FALSE_ALARMS: f64 = 0.12;
/// Of those that were asked about among as many of each way and new ones, how many are there.
const LEAST_PRECISION: f64 = 0.97;

fn record(id: u128, made_up: &MadeUp) -> Company {
    let now = "2026-03-16T09:00:00Z".parse().unwrap();
    let input: CompanyInput = made_up.input();
    Company::new(CompanyId(Uuid::from_u128(id)), now, &input, None).unwrap()
}

/// A letter within a word left out, doubled, swapped with the next one, or exchanged.
fn mistyped(register: &mut Register, words: &str) -> String {
    let mut letters: Vec<char> = words.chars().collect();
    let random = &mut register.random;
    let place = loop {
        let place = 1 + random.below(letters.len() - 2);
        if letters[place - 1..=place + 1].iter().all(|letter| letter.is_alphabetic()) {
            break place;
        }
    };
    match random.below(4) {
        0 => drop(letters.remove(place)),
        1 => letters.insert(place, letters[place]),
        2 => letters.swap(place, place + 1),
        _ => letters[place] = random.pick(&['a', 'e', 'i', 'n', 'r', 's', 't']),
    }
    letters.into_iter().collect()
}

fn spelled_otherwise(register: &mut Register, words: &str) -> String {
    match register.random.below(5) {
        0 => words.to_uppercase(),
        1 => words.replace('ä', "ae").replace('ö', "oe").replace('ü', "ue").replace('ß', "ss"),
        2 => words.replace('ä', "a").replace('ö', "o").replace('ü', "u"),
        3 => words.replace('&', "und"),
        _ => words.replace(' ', "-"),
    }
}

/// The sons or the second owner left out, or the words in another order.
fn in_other_words(words: &str) -> String {
    let parts: Vec<&str> = words.split(' ').collect();
    match parts[..] {
        [owner, "&", _, ref rest @ ..] => format!("{owner} {}", rest.join(" ")),
        _ => parts.into_iter().rev().collect::<Vec<_>>().join(" "),
    }
}

fn entered(register: &mut Register, way: Way, there: &MadeUp) -> MadeUp {
    let mut new = there.clone();
    // Who enters it mostly knows no more than name and town.
    if !register.random.in_hundred(25) {
        (new.vat_id, new.website) = (None, None);
    }
    new.register_number = None;
    match way {
        Way::TypingError => new.words = mistyped(register, &there.words),
        Way::TwoTypingErrors => {
            let once = mistyped(register, &there.words);
            new.words = mistyped(register, &once);
        }
        Way::LegalForm => {
            let others = ["GmbH", "Gesellschaft mit beschränkter Haftung", "", "AG", "e. K.", "UG"];
            new.form = register.random.pick(&others);
        }
        Way::Spelling => new.words = spelled_otherwise(register, &there.words),
        Way::Words => new.words = in_other_words(&there.words),
        Way::Moved => (new.postcode, new.city) = register.town(),
        // Under another name, with what it had of one of the two.
        Way::Merged => {
            new.words = format!("{}-{} Gruppe", register.surname(), register.surname());
            new.form = register.form();
            new.register_number.clone_from(&there.register_number);
            new.vat_id.clone_from(&there.vat_id);
            new.website.clone_from(&there.website);
        }
    }
    new
}

fn ids(candidates: &[Candidate]) -> Vec<u128> {
    candidates.iter().map(|candidate| candidate.organisation.id.0.as_u128()).collect()
}

#[expect(clippy::cast_precision_loss, reason = "some hundreds of entries")]
fn share(part: usize, of: usize) -> f64 {
    part as f64 / of as f64
}

#[test]
fn duplicates_are_found_and_others_are_mostly_not_asked_about() {
    both(async |app| {
        let mut conn = app.connect();
        conn.batch_execute("BEGIN").unwrap();
        let mut register = Register::new(7);
        let mut all = Vec::new();
        for id in 1..=ORGANISATIONS {
            let made_up = register.company();
            let new = record(id, &made_up);
            company::insert(&mut conn, &new).unwrap();
            all.push((id, made_up, Found::from(&new)));
        }
        conn.batch_execute("COMMIT; ANALYZE; BEGIN").unwrap();
        let everybody: Vec<Found> = all.iter().map(|(_, _, found)| found.clone()).collect();
        let mut asked = |place: usize, made_up: &MadeUp| {
            let entered = Found::from(&record(0, made_up));
            let found = duplicate::same_as(&mut conn, &entered).unwrap();
            if place.is_multiple_of(COMPARED) {
                assert_eq!(found, same_as(&entered, everybody.clone()), "{}", entered.name);
            }
            found
        };

        let (mut report, mut right, mut failed) = (String::new(), 0, Vec::new());
        for (way, floor) in WAYS {
            let (mut found, mut others) = (0, 0);
            for place in 0..ENTRIES {
                let (id, there) = loop {
                    let (id, there, _) = &all[register.random.below(all.len())];
                    let is_known = there.register_number.is_some()
                        || there.vat_id.is_some()
                        || there.website.is_some();
                    if is_known || !matches!(way, Way::Merged) {
                        break (*id, there);
                    }
                };
                let new = entered(&mut register, way, there);
                let candidates = ids(&asked(place, &new));
                found += usize::from(candidates.contains(&id));
                others += candidates.iter().filter(|other| **other != id).count();
            }
            right += found;
            let (recall, others) = (share(found, ENTRIES), share(others, ENTRIES));
            writeln!(report, "{way:?}: found {recall:.3}, others {others:.2}").unwrap();
            if recall < floor {
                failed.push(way);
            }
        }
        let mut wrong = 0;
        for place in 0..ENTRIES {
            let new = register.company();
            wrong += usize::from(!asked(place, &new).is_empty());
        }
        let (false_alarms, precision) = (share(wrong, ENTRIES), share(right, right + wrong));
        writeln!(report, "New: asked about {false_alarms:.3}; precision {precision:.3}").unwrap();
        println!("{report}");
        assert!(failed.is_empty(), "{failed:?}\n{report}");
        assert!(false_alarms <= MOST_FALSE_ALARMS, "{report}");
        assert!(precision >= LEAST_PRECISION, "{report}");
    });
}
