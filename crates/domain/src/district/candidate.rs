//! In which district a postcode is. Postcodes and districts cross each other, so an address has candidates; they
//! are those in which other addresses on record with this postcode are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::District;
use crate::entity::Reference;
use crate::error::{Error, Result};
use crate::id::DistrictId;

/// Digits that stand for a region of some towns.
const REGION: usize = 3;

#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PostcodeParams {
    /// Of a German address.
    #[param(pattern = "^[0-9]{5}$", example = "35390")]
    pub postcode: String,
}

/// A district that an address may be in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DistrictCandidate {
    pub district: Reference,
    /// Five-digit official key (Kreisschlüssel).
    #[schema(example = "06531")]
    pub key: String,
    /// Addresses of companies, actors and establishments there.
    pub addresses: i64,
    /// Their share of all with these digits.
    #[schema(minimum = 0, maximum = 1, example = 0.93)]
    pub share: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DistrictCandidates {
    pub postcode: String,
    /// How many of its digits the addresses have in common with it: all five, or three where none has this very
    /// postcode.
    #[schema(example = 5)]
    pub digits: usize,
    /// The likeliest first; empty where nothing near is on record.
    pub candidates: Vec<DistrictCandidate>,
}

/// How many addresses a district has.
pub type Counted = BTreeMap<DistrictId, i64>;

impl PostcodeParams {
    /// # Errors
    /// `Malformed` when it is none.
    pub fn checked(&self) -> Result<&str> {
        let postcode = self.postcode.as_str();
        if postcode.len() == 5 && postcode.bytes().all(|b| b.is_ascii_digit()) {
            Ok(postcode)
        } else {
            Err(Error::malformed_query("postcode", "not_a_postcode", "must have five digits"))
        }
    }
}

/// The first and the last postcode with so many digits in common with one.
#[must_use]
pub fn postcodes_near(postcode: &str, digits: usize) -> (String, String) {
    let common: String = postcode.chars().take(digits).collect();
    (format!("{common:0<5}"), format!("{common:9<5}"))
}

impl DistrictCandidates {
    /// From addresses with the very postcode, or where there are none, with its first digits. `districts` are
    /// those that exist today.
    ///
    /// # Errors
    /// What `counted` says when it is asked for the addresses with so many digits in common.
    pub fn new(
        postcode: &str,
        districts: &[District],
        mut counted: impl FnMut(usize) -> Result<Counted>,
    ) -> Result<Self> {
        let mut digits = postcode.len();
        let mut candidates = candidates(districts, &counted(digits)?);
        if candidates.is_empty() {
            digits = REGION;
            candidates = self::candidates(districts, &counted(digits)?);
        }
        Ok(Self { postcode: postcode.to_owned(), digits, candidates })
    }
}

fn candidates(districts: &[District], counted: &Counted) -> Vec<DistrictCandidate> {
    let found: Vec<(&District, i64)> = districts
        .iter()
        .filter_map(|district| Some((district, *counted.get(&district.id)?)))
        .collect();
    let all: i64 = found.iter().map(|(_, addresses)| addresses).sum();
    let mut candidates: Vec<DistrictCandidate> = found
        .into_iter()
        .map(|(district, addresses)| DistrictCandidate {
            district: Reference::new(district.id, &district.name),
            key: district.key.clone(),
            addresses,
            share: share(addresses, all),
        })
        .collect();
    candidates.sort_by(|a, b| b.addresses.cmp(&a.addresses).then_with(|| a.key.cmp(&b.key)));
    candidates
}

/// Rounded to hundredths.
fn share(part: i64, all: i64) -> f64 {
    let hundredths = (part * 100 + all / 2).checked_div(all).unwrap_or_default();
    f64::from(i32::try_from(hundredths).unwrap_or_default()) / 100.0
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;
    use crate::district::DistrictKind;

    fn district(number: u128) -> District {
        District {
            id: DistrictId(Uuid::from_u128(number)),
            key: format!("0641{number}"),
            name: format!("Kreis {number}"),
            kind: DistrictKind::County,
            region: "Darmstadt".to_owned(),
            valid_from: "2019-01-01".parse().unwrap(),
            valid_to: None,
            split_from_id: None,
            version: 1,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        }
    }

    fn counted(counts: &[(u128, i64)]) -> Counted {
        counts.iter().map(|(id, count)| (DistrictId(Uuid::from_u128(*id)), *count)).collect()
    }

    #[test]
    fn the_district_with_most_addresses_comes_first() {
        let districts = [district(1), district(2), district(3)];
        // 9 does not exist any more.
        let found = |digits| {
            assert_eq!(digits, 5);
            Ok(counted(&[(1, 1), (2, 5), (9, 100)]))
        };
        let found = DistrictCandidates::new("60311", &districts, found).unwrap();
        let listed: Vec<_> =
            found.candidates.iter().map(|it| (it.key.as_str(), it.addresses, it.share)).collect();
        assert_eq!(listed, [("06412", 5, 0.83), ("06411", 1, 0.17)]);
        assert_eq!(found.digits, 5);
    }

    #[test]
    fn where_none_has_the_postcode_its_region_tells() {
        let districts = [district(1)];
        let near = |digits| Ok(if digits == 3 { counted(&[(1, 2)]) } else { Counted::new() });
        let found = DistrictCandidates::new("60311", &districts, near).unwrap();
        assert_eq!((found.digits, found.candidates.len()), (3, 1));
        let none = DistrictCandidates::new("60311", &districts, |_| Ok(Counted::new())).unwrap();
        assert_eq!((none.digits, none.candidates), (3, vec![]));
        assert_eq!(postcodes_near("60311", 5), ("60311".to_owned(), "60311".to_owned()));
        assert_eq!(postcodes_near("60311", 3), ("60300".to_owned(), "60399".to_owned()));
    }

    #[test]
    fn a_postcode_has_five_digits() {
        let checked = |postcode: &str| {
            PostcodeParams { postcode: postcode.to_owned() }.checked().map(str::to_owned)
        };
        assert!(checked("01067").is_ok());
        for wrong in ["", "6031", "603111", "6O311", "６０３１１"] {
            assert!(checked(wrong).is_err(), "{wrong}");
        }
    }
}
