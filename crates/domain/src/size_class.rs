//! EU size class of an enterprise, by Commission Recommendation 2003/361/EC.
//!
//! | class  | staff | and turnover  | or balance sheet total |
//! | ------ | ----- | ------------- | ---------------------- |
//! | micro  | < 10  | ≤ 2 M€        | ≤ 2 M€                 |
//! | small  | < 50  | ≤ 10 M€       | ≤ 10 M€                |
//! | medium | < 250 | ≤ 50 M€       | ≤ 43 M€                |
//!
//! Everything else is large, as is an enterprise of which 25 % or more is publicly owned
//! (Art. 3 (4) of the annex). Staff is in annual work units (Art. 5). The figures are the
//! consolidated ones: partner enterprises pro rata, linked enterprises in full (Art. 6).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::check::Checks;
use crate::code::{Code, codes};

codes! {
    /// EU size class (Größenklasse).
    "size_class" SizeClass {
        Micro, Small, Medium, Large,
        /// The headcount is not known.
        Unknown,
    }
}

codes! {
    /// How the figures came about.
    "size_basis" SizeBasis { SelfDeclared, Estimated, Verified }
}

/// The consolidated figures that the size class is derived from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "staff": 42, "turnover_eur": 8_000_000, "balance_eur": null,
    "publicly_owned": false, "reference_year": 2024, "basis": "self_declared"
}))]
pub struct SizeInput {
    /// Staff in annual work units (Jahresarbeitseinheiten), halves allowed.
    #[schema(minimum = 0, maximum = 10_000_000)]
    pub staff: Option<f64>,
    /// Annual turnover in euros.
    #[schema(minimum = 0)]
    pub turnover_eur: Option<i64>,
    /// Annual balance sheet total in euros.
    #[schema(minimum = 0)]
    pub balance_eur: Option<i64>,
    /// Whether public bodies hold 25 % or more of capital or votes.
    #[serde(default)]
    pub publicly_owned: bool,
    /// Business year of the figures.
    #[schema(minimum = 1990, maximum = 2100)]
    pub reference_year: Option<i32>,
    pub basis: Option<SizeBasis>,
}

/// The figures, and the class derived from them with its reasons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Size {
    #[schema(required)]
    pub staff: Option<f64>,
    #[schema(required)]
    pub turnover_eur: Option<i64>,
    #[schema(required)]
    pub balance_eur: Option<i64>,
    pub publicly_owned: bool,
    #[schema(required)]
    pub reference_year: Option<i32>,
    #[schema(required)]
    pub basis: Option<SizeBasis>,
    pub class: SizeClass,
    /// True while a missing figure could still change the class.
    pub provisional: bool,
    /// Why it is this class, in sentences.
    pub explanation: Vec<String>,
}

const MILLION: i64 = 1_000_000;

struct Ceiling {
    class: SizeClass,
    staff: f64,
    turnover: i64,
    balance: i64,
}

const CEILINGS: [Ceiling; 3] = [
    Ceiling { class: SizeClass::Micro, staff: 10.0, turnover: 2 * MILLION, balance: 2 * MILLION },
    Ceiling { class: SizeClass::Small, staff: 50.0, turnover: 10 * MILLION, balance: 10 * MILLION },
    Ceiling {
        class: SizeClass::Medium,
        staff: 250.0,
        turnover: 50 * MILLION,
        balance: 43 * MILLION,
    },
];

impl SizeInput {
    pub fn check(&self, checks: &mut Checks) {
        const MOST_EUROS: i64 = 10_000_000 * MILLION;
        if let Some(staff) = self.staff {
            checks.range("/size/staff", staff, 0.0, 10_000_000.0);
        }
        if let Some(turnover) = self.turnover_eur {
            checks.range("/size/turnover_eur", turnover, 0, MOST_EUROS);
        }
        if let Some(balance) = self.balance_eur {
            checks.range("/size/balance_eur", balance, 0, MOST_EUROS);
        }
        if let Some(year) = self.reference_year {
            checks.range("/size/reference_year", year, 1990, 2100);
        }
    }
}

/// Derives the class. It is provisional while a missing figure could still change it; a missing
/// figure then counts as within the ceiling when no figure of money is known (class by headcount),
/// and as above the ceiling when the other one is above.
#[must_use]
pub fn derive(input: &SizeInput) -> Size {
    let (class, provisional, explanation) = classify(input);
    Size {
        staff: input.staff,
        turnover_eur: input.turnover_eur,
        balance_eur: input.balance_eur,
        publicly_owned: input.publicly_owned,
        reference_year: input.reference_year,
        basis: input.basis,
        class,
        provisional,
        explanation,
    }
}

impl From<&Size> for SizeInput {
    fn from(size: &Size) -> Self {
        Self {
            staff: size.staff,
            turnover_eur: size.turnover_eur,
            balance_eur: size.balance_eur,
            publicly_owned: size.publicly_owned,
            reference_year: size.reference_year,
            basis: size.basis,
        }
    }
}

fn classify(input: &SizeInput) -> (SizeClass, bool, Vec<String>) {
    if input.publicly_owned {
        let reason = "25 % or more is publicly owned: not an SME (Art. 3 (4)).";
        return (SizeClass::Large, false, vec![reason.to_owned()]);
    }
    let Some(staff) = input.staff else {
        return (SizeClass::Unknown, true, vec!["The headcount is not known.".to_owned()]);
    };
    let (turnover, balance) = (input.turnover_eur, input.balance_eur);
    let mut reasons = Vec::new();
    let mut open = false;
    for ceiling in CEILINGS {
        let class = ceiling.class.code();
        if staff >= ceiling.staff {
            reasons
                .push(format!("Not {class}: {staff} staff, the limit is below {}.", ceiling.staff));
            continue;
        }
        if turnover.is_none() && balance.is_none() {
            reasons.push(format!(
                "{class} by headcount alone: {staff} staff, below {}; turnover and balance sheet \
                 total are not known.",
                ceiling.staff
            ));
            return (ceiling.class, true, reasons);
        }
        let met = [
            ("turnover", turnover, ceiling.turnover),
            ("balance sheet total", balance, ceiling.balance),
        ]
        .into_iter()
        .find_map(|(what, figure, limit)| {
            figure
                .filter(|figure| *figure <= limit)
                .map(|figure| format!("{what} {figure} €, at most {limit} €"))
        });
        if let Some(met) = met {
            reasons.push(format!("{class}: {staff} staff, below {}, and {met}.", ceiling.staff));
            return (ceiling.class, open, reasons);
        }
        let missing = match (turnover, balance) {
            (None, _) => Some("turnover"),
            (_, None) => Some("balance sheet total"),
            _ => None,
        };
        open |= missing.is_some();
        reasons.push(match missing {
            Some(missing) => format!(
                "Not shown to be {class}: the known figure is above the ceiling, the {missing} is \
                 not known."
            ),
            None => {
                format!("Not {class}: turnover and balance sheet total are above the ceilings.")
            }
        });
    }
    reasons.push("large: none of the smaller classes.".to_owned());
    (SizeClass::Large, open, reasons)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn input(staff: Option<f64>, turnover_eur: Option<i64>, balance_eur: Option<i64>) -> SizeInput {
        SizeInput {
            staff,
            turnover_eur,
            balance_eur,
            publicly_owned: false,
            reference_year: None,
            basis: None,
        }
    }

    fn class(staff: f64, turnover: i64, balance: i64) -> SizeClass {
        derive(&input(Some(staff), Some(turnover), Some(balance))).class
    }

    #[test]
    fn the_edges_of_the_recommendation() {
        const M: i64 = MILLION;
        assert_eq!(class(9.5, 2 * M, 9 * M), SizeClass::Micro);
        assert_eq!(class(10.0, 2 * M, 2 * M), SizeClass::Small);
        assert_eq!(class(9.0, 2 * M + 1, 2 * M + 1), SizeClass::Small);
        assert_eq!(class(49.9, 50 * M, 10 * M), SizeClass::Small);
        assert_eq!(class(249.0, 50 * M, 44 * M), SizeClass::Medium);
        assert_eq!(class(249.0, 50 * M + 1, 43 * M), SizeClass::Medium);
        assert_eq!(class(249.0, 50 * M + 1, 43 * M + 1), SizeClass::Large);
        assert_eq!(class(250.0, 1, 1), SizeClass::Large);
    }

    #[test]
    fn public_ownership_and_missing_headcount() {
        let public = SizeInput { publicly_owned: true, ..input(Some(3.0), Some(1), Some(1)) };
        assert_eq!(derive(&public).class, SizeClass::Large);
        let nothing = derive(&input(None, Some(1), Some(1)));
        assert_eq!((nothing.class, nothing.provisional), (SizeClass::Unknown, true));
    }

    #[test]
    fn headcount_alone_is_provisional_but_not_from_250() {
        let small = derive(&input(Some(12.0), None, None));
        assert_eq!((small.class, small.provisional), (SizeClass::Small, true));
        let large = derive(&input(Some(250.0), None, None));
        assert_eq!((large.class, large.provisional), (SizeClass::Large, false));
    }

    /// The table read the other way: the smallest class whose row holds.
    fn oracle(staff: f64, turnover: i64, balance: i64) -> SizeClass {
        let micro = staff < 10.0 && (turnover <= 2_000_000 || balance <= 2_000_000);
        let small = staff < 50.0 && (turnover <= 10_000_000 || balance <= 10_000_000);
        let medium = staff < 250.0 && (turnover <= 50_000_000 || balance <= 43_000_000);
        match (micro, small, medium) {
            (true, _, _) => SizeClass::Micro,
            (_, true, _) => SizeClass::Small,
            (_, _, true) => SizeClass::Medium,
            _ => SizeClass::Large,
        }
    }

    /// Amounts on both sides of every ceiling.
    fn amount() -> impl Strategy<Value = i64> {
        prop_oneof![
            Just(0),
            Just(2_000_000),
            Just(2_000_001),
            Just(10_000_000),
            Just(10_000_001),
            Just(43_000_000),
            Just(43_000_001),
            Just(50_000_000),
            Just(50_000_001),
            0..100_000_000_i64,
        ]
    }

    fn staff() -> impl Strategy<Value = f64> {
        (0..600_u32).prop_map(|halves| f64::from(halves) / 2.0)
    }

    proptest! {
        #[test]
        fn with_all_figures_it_is_the_table(staff in staff(), turnover in amount(), balance in amount()) {
            let size = derive(&input(Some(staff), Some(turnover), Some(balance)));
            prop_assert_eq!(size.class, oracle(staff, turnover, balance));
            prop_assert!(!size.provisional);
        }

        /// Provisional means exactly: some value of the missing figures gives another class.
        #[test]
        fn provisional_means_that_a_missing_figure_decides(
            staff in staff(), turnover in proptest::option::of(amount()), balance in proptest::option::of(amount()),
        ) {
            let size = derive(&input(Some(staff), turnover, balance));
            let candidates = [0, i64::MAX];
            let possible: std::collections::BTreeSet<_> = candidates.iter()
                .flat_map(|t| candidates.iter().map(move |b| (*t, *b)))
                .map(|(t, b)| oracle(staff, turnover.unwrap_or(t), balance.unwrap_or(b)))
                .collect();
            prop_assert!(possible.contains(&size.class));
            prop_assert_eq!(size.provisional, possible.len() > 1, "{:?}", possible);
        }
    }
}
